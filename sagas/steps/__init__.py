"""The steps: try, try-confirm, confirm, settle, cancel, and movements.

Each takes a shard and a batch, runs it as one transaction, and says one outcome per item, in order.
Each may be run again with the same items at any time: its rows tell what is done already, and it
repeats what follows from them.
"""
