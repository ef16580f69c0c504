"""What five hundred slow connections cost everybody else: p99 without and with them, in turns."""
