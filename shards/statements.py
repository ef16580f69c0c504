"""SQL from `.sql` files: named blocks, one file per subject.

A block begins with `-- name: block_name` and ends where the next begins. A Python function that
is nothing but a block has its name; a test prepares every block against the migrated schema and
fails on a block that nothing uses.
"""

import re
from importlib import resources

_NAME = re.compile(r"^-- name: ([a-z_0-9]+)\n", re.MULTILINE)


def load_statements(subject: str) -> dict[str, str]:
    """The blocks of `shards/sql/<subject>.sql` by name.

    Raises:
        ValueError: a name stands twice.
    """
    text = resources.files("shards").joinpath("sql", f"{subject}.sql").read_text("utf-8")
    pieces = _NAME.split(text)[1:]
    names, bodies = pieces[::2], pieces[1::2]
    if len(set(names)) != len(names):
        raise ValueError(f"{subject}.sql names a block twice: {sorted(names)}")
    return {name: body.strip() for name, body in zip(names, bodies, strict=True)}
