"""Checks every invariant with SQL of its own; shares no code with the engine."""
