"""When a child that died is started again."""

_FIRST_S = 0.5
_CAP_S = 10.0
_CALM_S = 30.0


class Backoff:
    """Waits that double from half a second to ten, and begin anew once it ran for half a minute."""

    def __init__(self) -> None:
        self._next_s = _FIRST_S

    def wait_s(self, *, ran_s: float) -> float:
        """How long to wait after an end, given how long it had run."""
        if ran_s >= _CALM_S:
            self._next_s = _FIRST_S
        wait_s = self._next_s
        self._next_s = min(_CAP_S, wait_s * 2)
        return wait_s
