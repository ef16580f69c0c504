"""The real engine on a real PostgreSQL, under a simulated log, clock and scheduler.

One seed is one run, and the same run each time.

Nothing that decides or moves money is replaced: steps, lanes, redrive, dead letters and their SQL
are the product's. Replaced is what brings chance: the log, the clock, and which of the things that
could happen next does.
"""
