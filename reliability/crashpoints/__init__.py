"""Every I/O of every step, and what a fault exactly there comes to.

The steps are the product's, on a real PostgreSQL, as in the simulation; but nothing is left to
chance: a step is run once to number its I/Os, and then once for each I/O, fault and aftermath.
"""
