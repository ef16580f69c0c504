"""A running system of a case's shape: servers that stay, and everything else made for the case."""
