"""Becomes another command, one that ends when its parent ends.

Run as a file by a Python of its own, so it imports nothing of ours:
`python -I -S launch.py PARENT SIGNAL IDENTITY MOUNTS COMMAND...`.
Doing this after fork in the parent instead would run Python between fork and exec, which can
deadlock as soon as the parent has threads.
"""

import ctypes
import os
import signal
import sys
from pathlib import Path

_PR_SET_PDEATHSIG = 1
_PR_SET_KEEPCAPS = 8
_PR_CAP_AMBIENT = 47
_PR_CAP_AMBIENT_RAISE = 2
_CLONE_NEWUSER = 0x10000000
_CLONE_NEWNS = 0x00020000
_CAP_DAC_OVERRIDE = 1
_CAPABILITY_VERSION_3 = 0x20080522
NOBODY = 65534

_libc = ctypes.CDLL(None, use_errno=True)


def _checked(result: int) -> None:
    if result != 0:
        errno = ctypes.get_errno()
        raise OSError(errno, os.strerror(errno))


def _enter_user_namespace() -> None:
    """Root becomes user 65534 to itself, while its files stay root's to everyone else."""
    group = os.getegid()
    _checked(_libc.unshare(_CLONE_NEWUSER))
    Path("/proc/self/setgroups").write_text("deny")
    Path("/proc/self/uid_map").write_text(f"{NOBODY} 0 1")
    Path("/proc/self/gid_map").write_text(f"{NOBODY} {group} 1")


def _become_nobody() -> None:
    """Root becomes user 65534 and keeps one power, where it has it: to pass through folders."""
    _checked(_libc.prctl(_PR_SET_KEEPCAPS, 1, 0, 0, 0))
    os.setgroups([])
    os.setresgid(NOBODY, NOBODY, NOBODY)
    os.setresuid(NOBODY, NOBODY, NOBODY)
    header = (ctypes.c_uint32 * 2)(_CAPABILITY_VERSION_3, 0)
    power = 1 << _CAP_DAC_OVERRIDE
    sets = (ctypes.c_uint32 * 6)(power, power, power, 0, 0, 0)
    # Without that power, folders that anyone may enter still do: so no check here.
    if _libc.capset(header, sets) == 0:
        _libc.prctl(_PR_CAP_AMBIENT, _PR_CAP_AMBIENT_RAISE, _CAP_DAC_OVERRIDE, 0, 0)


def _see_mounts_of(pid: str) -> None:
    """Sees the file systems as that process does, which may have some of its own."""
    with Path(f"/proc/{pid}/ns/mnt").open("rb") as mounts:
        _checked(_libc.setns(mounts.fileno(), _CLONE_NEWNS))


def _end_with(parent: int, death_signal: int) -> None:
    if hasattr(_libc, "prctl"):
        _checked(_libc.prctl(_PR_SET_PDEATHSIG, death_signal, 0, 0, 0))
    # The parent may have died before the line above: then no signal comes any more.
    if os.getppid() != parent:
        raise SystemExit(1)


def main(parent: str, death_signal: str, identity: str, mounts: str, *command: str) -> None:
    """Replaces this process by the command; returns never."""
    if mounts:
        _see_mounts_of(mounts)
    # A change of user clears the death signal, so that comes first.
    if identity == "namespace":
        _enter_user_namespace()
    elif identity == "nobody":
        _become_nobody()
    _end_with(int(parent), int(death_signal))
    # Python ignores some signals and a caller may block some: neither is the command's business.
    for ignored in (signal.SIGPIPE, signal.SIGXFSZ, signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(ignored, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_SETMASK, [])
    os.execv(command[0], list(command))  # noqa: S606 - there is no shell to want


if __name__ == "__main__":
    main(*sys.argv[1:])
