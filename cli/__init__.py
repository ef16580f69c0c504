"""The command holdfast."""
