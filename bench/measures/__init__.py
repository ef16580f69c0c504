"""What a run costs: CPU, memory, commits, messages; and how a list of times is summed up."""
