"""Work in threads that never hold up the end of the program.

`concurrent.futures` waits for its threads at exit; a download that hangs must not delay Ctrl-C.
"""

import queue
import threading
from collections.abc import Callable, Iterable
from typing import Generic, TypeVar

T = TypeVar("T")


class Background(Generic[T]):
    """A function that runs in a daemon thread of its own, from now on."""

    def __init__(self, work: Callable[[], T]) -> None:
        self._work = work
        self._result: list[T] = []
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        try:
            self._result.append(self._work())
        except BaseException as error:  # noqa: BLE001 - handed to whoever asks for the result
            self._error = error

    def done(self) -> bool:
        """Whether it has ended, well or not."""
        return not self._thread.is_alive()

    def result(self) -> T:
        """What it returned, once it has ended; raises what it raised."""
        self._thread.join()
        if self._error is not None:
            raise self._error
        return self._result[0]


def each_in_background(items: Iterable[T], work: Callable[[T], None], *, threads: int) -> None:
    """Does the work for each item, some at once; the first error stops the rest and is raised."""
    waiting: queue.SimpleQueue[T] = queue.SimpleQueue()
    for item in items:
        waiting.put(item)
    failed = threading.Event()

    def drain() -> None:
        while not failed.is_set():
            try:
                item = waiting.get_nowait()
            except queue.Empty:
                return
            try:
                work(item)
            except BaseException:
                failed.set()
                raise

    helpers = [Background(drain) for _ in range(threads)]
    for helper in helpers:
        helper.result()
