"""`python -m bench.load`: reads its plan from a line of standard input, and runs it.

Writes two lines of JSON: `{"start": ...}` when the first request goes out (of the monotonic clock,
which all processes of the machine share), and the result. It ends when its input is closed.
"""

import gc
import os
import sys
import threading

import orjson
import uvloop

from bench.load.client import Load
from bench.load.plan import LoadPlan


def _tell(line: bytes) -> None:
    sys.stdout.buffer.write(line)
    sys.stdout.buffer.flush()


def _end_with_input() -> None:
    sys.stdin.buffer.read()
    os._exit(1)


def main() -> None:
    """Runs the plan."""
    plan = LoadPlan.from_line(sys.stdin.buffer.readline())
    threading.Thread(target=_end_with_input, daemon=True).start()
    load = Load(plan, tell_start=lambda start: _tell(orjson.dumps({"start": start}) + b"\n"))
    # What was made so far stays to the end: no collection need look at it again.
    gc.freeze()
    _tell(uvloop.run(load.run()).to_line())
    os._exit(0)  # the thread that waits for the end of the input


if __name__ == "__main__":
    main()
