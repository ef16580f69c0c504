"""The clients of a run: they ask for transfers, repeat what was not answered, and write it down.

They share no code with the engine: all they know of it is its HTTP contract.
"""
