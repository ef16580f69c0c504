"""What a process tells of itself, to whoever runs it: an internal listener and its metrics."""
