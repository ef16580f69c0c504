"""Children end with us; leftovers of a killed run are ended, and nobody else is."""

import json
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import psutil
import pytest

from devstack import leftovers
from devstack.errors import ServerError
from devstack.processes import Child, Command, run_to_end
from devstack.waiting import wait_until

FOREVER = "import time; time.sleep(600)"


def python(script: str, tmp_path: Path, **terms) -> Command:
    log = tmp_path / "out.log"
    return Command(name="child", argv=(sys.executable, "-c", script), output=log, **terms)


@pytest.fixture
def child(tmp_path):
    child = Child(python(FOREVER, tmp_path, env={"HOLDFAST_HOME": str(tmp_path)}))
    yield child
    child.kill()


def test_child_has_a_session_of_its_own(child):
    assert os.getsid(child.pid) == child.pid


def test_child_ends_when_asked(child):
    child.stop(timeout_s=5)

    assert not child.alive()
    assert child.exit_code == -signal.SIGTERM


def test_child_that_does_not_heed_is_killed(tmp_path):
    script = f"import signal; signal.signal(15, signal.SIG_IGN); print('up', flush=True); {FOREVER}"
    child = Child(python(script, tmp_path))
    assert wait_until(lambda: (tmp_path / "out.log").read_text() == "up\n", timeout_s=5)

    child.stop(timeout_s=0.05)

    assert child.exit_code == -signal.SIGKILL


def test_child_outlives_the_thread_that_started_it(tmp_path):
    started: list[Child] = []
    command = python(FOREVER, tmp_path)
    thread = threading.Thread(target=lambda: started.append(Child(command)))

    thread.start()
    thread.join()

    assert not started[0].wait(timeout_s=0.2)
    started[0].kill()


@pytest.mark.skipif(sys.platform != "linux", reason="the kernel of Linux does this")
def test_child_ends_when_we_are_killed(tmp_path):
    script = f"""
from pathlib import Path
from devstack.processes import Child, Command
argv = ({sys.executable!r}, "-c", {FOREVER!r})
print(Child(Command(name="x", argv=argv, output=Path({str(tmp_path)!r}, "o"))).pid, flush=True)
input()
"""
    with subprocess.Popen(
        [sys.executable, "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as parent:
        assert parent.stdout is not None
        pid = int(parent.stdout.readline())
        parent.kill()

    def gone() -> bool:
        return not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE

    assert wait_until(gone, timeout_s=5)


def test_failure_shows_the_end_of_the_output(tmp_path):
    command = python("import sys; sys.exit('no such locale')", tmp_path)

    with pytest.raises(ServerError, match=r"(?s)child ended with code 1.*no such locale"):
        run_to_end(command, timeout_s=5)


def test_sweep_ends_what_is_ours(tmp_path, child):
    leftovers.remember(tmp_path / "notes", child)

    assert leftovers.sweep(tmp_path / "notes", home=tmp_path) == ["child"]

    assert not child.alive()
    assert list((tmp_path / "notes").iterdir()) == []


def test_sweep_spares_a_process_of_another_folder(tmp_path, child):
    leftovers.remember(tmp_path / "notes", child)

    assert leftovers.sweep(tmp_path / "notes", home=tmp_path / "another") == []

    assert child.alive()


def test_sweep_spares_a_process_that_got_the_pid_later(tmp_path, child):
    leftovers.remember(tmp_path / "notes", child)
    (note,) = (tmp_path / "notes").iterdir()
    content = json.loads(note.read_text())
    note.write_text(json.dumps({**content, "started_at": content["started_at"] - 60}))

    assert leftovers.sweep(tmp_path / "notes", home=tmp_path) == []

    assert child.alive()


@pytest.mark.parametrize("text", ["", "{}", "[1]", '{"name": "x", "pid": 1}', "not json"])
def test_sweep_drops_a_note_it_cannot_read(tmp_path, text):
    (tmp_path / "x.json").write_text(text)

    assert leftovers.sweep(tmp_path, home=tmp_path) == []

    assert list(tmp_path.iterdir()) == []
