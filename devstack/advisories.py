"""`make advisories`: the pinned packages against a copy of the PyPA advisory database.

A copy of the database (github.com/pypa/advisory-database, a folder `vulns` of OSV files in YAML) is
looked at, so it works without a network; what it says is as new as the copy. Exit 0 when no pinned
version is named, 1 when one is, 2 when there is nothing to look at.

An advisory names versions one by one, and in ranges: a version counts when either has it (OSV
schema 1.6, "affected"). Ranges of commits are left out, for a lock has no commits.
"""

import argparse
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """An advisory on a version that is pinned."""

    package: str
    version: str
    advisory: str
    says: str


def pinned(lock: Path) -> dict[str, str]:
    """Version by canonical name, of all that a requirements file pins."""
    lines = lock.read_text(encoding="utf-8").splitlines()
    wanted = [Requirement(line.rstrip(" \\")) for line in lines if line and line[0].isalnum()]
    return {canonicalize_name(one.name): next(iter(one.specifier)).version for one in wanted}


def advisories_on(packages: Mapping[str, str], database: Path) -> Iterator[Found]:
    """The advisories of a copy of the database that name one of these versions."""
    for name, version in sorted(packages.items()):
        for path in sorted((database / "vulns" / name).glob("*.yaml")):
            advisory = yaml.load(path.read_text(encoding="utf-8"), Loader=yaml.CSafeLoader)
            is_withdrawn = "withdrawn" in advisory
            affected = (a for a in advisory.get("affected", ()) if _is_of(a, name))
            if not is_withdrawn and any(_names(one, version) for one in affected):
                says = " ".join(str(advisory.get("details", "")).split())
                yield Found(package=name, version=version, advisory=advisory["id"], says=says)


def _is_of(affected: Mapping[str, Any], name: str) -> bool:
    return canonicalize_name(affected["package"]["name"]) == name


def _names(affected: Mapping[str, Any], version: str) -> bool:
    if version in affected.get("versions", ()):
        return True
    ranges = (r for r in affected.get("ranges", ()) if r["type"] == "ECOSYSTEM")
    return any(_is_in(one["events"], Version(version)) for one in ranges)


def _is_in(events: list[Mapping[str, str]], version: Version) -> bool:
    """Whether a version is in a range: after the last beginning, and before its end."""
    is_in = False
    for event in events:
        for kind, at in event.items():
            if kind == "introduced" and (at == "0" or version >= _version(at)):
                is_in = True
            if kind == "fixed" and version >= _version(at):
                is_in = False
            if kind == "last_affected" and version > _version(at):
                is_in = False
    return is_in


def _version(text: str) -> Version:
    try:
        return Version(text)
    except InvalidVersion:
        # Of before PEP 440: older than whatever is pinned today.
        return Version("0")


def main() -> int:
    """Looks, and tells; the exit code is as the module says."""
    parser = argparse.ArgumentParser(prog="advisories", description=__doc__)
    parser.add_argument("--database", type=Path, required=True)
    parser.add_argument("--lock", type=Path, default=Path("requirements.lock"))
    told = parser.parse_args()
    known = list((told.database / "vulns").glob("*/*.yaml"))
    if not known:
        print(
            f"[advisories] {told.database} is no copy of the database: clone"
            " github.com/pypa/advisory-database, and name it with DATABASE=/path/to/it",
            file=sys.stderr,
        )
        return 2
    packages = pinned(told.lock)
    found = list(advisories_on(packages, told.database))
    for one in found:
        print(f"[advisories] {one.package} {one.version}: {one.advisory}: {one.says[:300]}")
    print(f"[advisories] {len(packages)} packages, {len(known):,} advisories: {len(found)} apply")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
