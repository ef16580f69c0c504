"""How Holdfast shows that no fault loses money."""
