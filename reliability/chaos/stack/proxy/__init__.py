"""The fault proxy: a process of its own through which every connection of a stack goes."""
