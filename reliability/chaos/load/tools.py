"""What every workload works with."""

import random
from dataclasses import dataclass

from reliability.chaos.load.asking import Asking
from reliability.chaos.load.cast import Cast
from reliability.chaos.load.doorway import Doorway
from reliability.chaos.load.requests import Requests


@dataclass(frozen=True, slots=True, kw_only=True)
class Tools:
    """How to ask, for what, of whom, who closes next; and what is drawn by lot."""

    asking: Asking
    requests: Requests
    cast: Cast
    doorway: Doorway
    rng: random.Random


def make_tools(asking: Asking, cast: Cast, *, tag: str, rng: random.Random) -> Tools:
    """Those of a run; `tag` is what its keys have in common."""
    return Tools(
        asking=asking,
        requests=Requests(tag),
        cast=cast,
        doorway=Doorway(cast.doors, rng=rng),
        rng=rng,
    )
