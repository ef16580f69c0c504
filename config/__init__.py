"""Settings and logging, read by entry points only."""
