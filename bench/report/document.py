"""Parts of a document that are written by a program, between two comments."""

_BEGIN, _END = "<!-- {name}: written by `python -m bench.report` -->", "<!-- end of {name} -->"


class MarkerError(Exception):
    """The document has not exactly one place for a part."""


def rewrite(text: str, *, name: str, content: str) -> str:
    """The document with another content between the comments of a part.

    Raises:
        MarkerError: the comments are not there, each once and in order.
    """
    begin, end = _BEGIN.format(name=name), _END.format(name=name)
    before, found_begin, rest = text.partition(begin)
    _, found_end, after = rest.partition(end)
    if not (found_begin and found_end) or begin in after or end in before + after:
        raise MarkerError(f"put these two lines into the document, once: {begin} and {end}")
    return f"{before}{begin}\n\n{content.strip()}\n\n{end}{after}"
