"""The Faust edge: agents, redrive and dead letters."""
