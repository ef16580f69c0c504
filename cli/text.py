"""Text for a person's terminal."""


def printable(text: str) -> str:
    """One line without what a terminal would obey: messages are written by strangers."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def times(number: int) -> str:
    """How often something happened."""
    return "once" if number == 1 else f"{number} times"
