"""Why a case has no figures.

MeasureError        nothing can be said of the case; it may be run again
├── LoadError       the load client failed
└── StandstillError the machine was suspended while it ran
"""


class MeasureError(Exception):
    """A case has no figures: what is measured did not answer, or who measures it failed."""


class LoadError(MeasureError):
    """The load client failed; its own words are on standard error."""


class StandstillError(MeasureError):
    """The machine stood still meanwhile, so that times say nothing.

    Args:
        seconds: how long.
    """

    def __init__(self, seconds: float) -> None:
        super().__init__(f"the machine stood still for {seconds:.1f} s: was it suspended?")
