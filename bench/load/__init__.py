"""The load client: a process of its own, as cheap as Python allows."""
