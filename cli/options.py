"""Options that several commands have."""

from typing import Annotated

import typer

from shards.operator_acts import is_one_line

_TEXT_MAX = 1_000


def said(text: str) -> str:
    """A text for the trail, as it is kept; of anything else, a usage error."""
    if not text.strip() or len(text) > _TEXT_MAX or not is_one_line(text):
        raise typer.BadParameter(f"one line of text, at most {_TEXT_MAX} characters")
    return text.strip()


AsJson = Annotated[bool, typer.Option("--json", help="Print JSON, for programs.")]
Limit = Annotated[int, typer.Option(min=1, max=10_000, help="So many at the most.")]
By = Annotated[str, typer.Option("--by", callback=said, help="Your name, for the trail.")]
Why = Annotated[str, typer.Option("--reason", callback=said, help="Why, for the trail.")]
