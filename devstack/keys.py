"""The keys that `make run` makes once and keeps."""

import json
import secrets
from dataclasses import asdict, dataclass
from pathlib import Path

from config.files import write_whole

_BYTES = 32


@dataclass(frozen=True, slots=True, kw_only=True)
class Keys:
    """What signs tokens, and what signs messages (key id to secret); hex of 32 bytes each."""

    jwt_secret: str
    message_keys: dict[str, str]


def load_keys(path: Path) -> Keys:
    """The keys of a data folder; made when it has none, in a file only its owner can read.

    Whoever calls holds the folder, so two callers cannot make two sets.
    """
    if path.is_file():
        return Keys(**json.loads(path.read_text(encoding="utf-8")))
    keys = Keys(
        jwt_secret=secrets.token_hex(_BYTES), message_keys={"key1": secrets.token_hex(_BYTES)}
    )
    write_whole(path, json.dumps(asdict(keys), indent=2))
    return keys
