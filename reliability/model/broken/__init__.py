"""The protocol with one rule broken at a time. Each variant is one that the search must catch."""
