"""What died is started again, ever more slowly, until it runs a while."""

import signal
import sys
from pathlib import Path

import pytest

from devstack.backoff import Backoff
from devstack.errors import PortTakenError
from devstack.processes import Child, Command
from devstack.run_file import Role
from devstack.units import Unit, end_all
from devstack.waiting import wait_until


class Sleeper:
    """A server that does nothing, and whose launch can be made to fail."""

    def __init__(self, tmp_path: Path, script: str = "import time; time.sleep(600)") -> None:
        argv = (sys.executable, "-c", script)
        self._command = Command(name="sleeper", argv=argv, output=tmp_path / "log")
        self.child = Child(self._command)
        self.error: PortTakenError | None = None

    def launch(self) -> None:
        if self.error:
            raise self.error
        self.child = Child(self._command)

    def alive(self) -> bool:
        return self.child.alive()

    def request_stop(self) -> None:
        self.child.request_stop()

    def kill(self) -> None:
        self.child.kill()


@pytest.fixture
def sleeper(tmp_path):
    sleeper = Sleeper(tmp_path)
    yield sleeper
    sleeper.kill()


def test_wait_doubles_up_to_a_cap_and_begins_anew_after_a_calm_run():
    backoff = Backoff()

    waits = [backoff.wait_s(ran_s=1) for _ in range(7)]

    assert waits == [0.5, 1, 2, 4, 8, 10, 10]
    assert backoff.wait_s(ran_s=31) == 0.5


def test_dead_server_is_started_again(sleeper):
    unit = Unit(Role.WORKER, "worker-1", "", sleeper)
    said: list[str] = []
    first = sleeper.child.pid

    sleeper.kill()
    assert unit.watch_once(say=said.append)
    assert wait_until(lambda: unit.watch_once(say=said.append), timeout_s=5)

    assert sleeper.alive()
    assert sleeper.child.pid != first
    assert said == [
        "worker-1 ended (signal 9); starting it again in 0.5 s",
        f"worker-1 runs again, as process {sleeper.child.pid}",
    ]


def test_launch_that_fails_is_tried_again_later(sleeper):
    unit = Unit(Role.WORKER, "worker-1", "", sleeper)
    said: list[str] = []
    sleeper.error = PortTakenError(8080, "HOLDFAST_GATEWAY__PORT")
    sleeper.kill()

    unit.watch_once(say=said.append)
    assert wait_until(lambda: not unit.watch_once(say=said.append) and len(said) == 2, timeout_s=5)
    sleeper.error = None

    assert said[1].startswith("worker-1 cannot be started: port 8080 is taken")
    assert wait_until(lambda: unit.watch_once(say=said.append), timeout_s=5)


def test_running_server_is_left_alone(sleeper):
    assert not Unit(Role.WORKER, "worker-1", "", sleeper).watch_once(say=pytest.fail)


def test_all_are_asked_to_end_and_the_deaf_one_is_killed(tmp_path, sleeper):
    ignore = "import signal, time; signal.signal(15, signal.SIG_IGN); print('up', flush=True)"
    deaf = Sleeper(tmp_path, f"{ignore}; time.sleep(600)")
    assert wait_until(lambda: "up" in (tmp_path / "log").read_text(), timeout_s=5)

    assert not end_all([sleeper, deaf], drain_s=0.3)

    assert sleeper.child.exit_code == -signal.SIGTERM
    assert deaf.child.exit_code == -signal.SIGKILL
