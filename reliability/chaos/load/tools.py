"""What every workload works with."""

import random
from dataclasses import dataclass

from reliability.chaos.load.asking import Asking
from reliability.chaos.load.cast import Cast
from reliability.chaos.load.requests import Requests


@dataclass(frozen=True, slots=True, kw_only=True)
class Tools:
    """How to ask, for what, of whom; and what is drawn by lot."""

    asking: Asking
    requests: Requests
    cast: Cast
    rng: random.Random
