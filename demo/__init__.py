"""The demonstration: real traffic against a running system."""
