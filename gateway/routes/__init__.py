"""The routes, one module per resource; each class takes what it needs and nothing else."""
