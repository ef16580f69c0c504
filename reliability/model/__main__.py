"""`python -m reliability.model`: explores all variants; 0 when each is as it must be, else 1."""

import argparse
import sys
import time
from collections.abc import Sequence

from reliability.model.explorer import Explored
from reliability.model.table import DECLARED, Taken
from reliability.model.variant import Variant
from reliability.model.variants import HOLDING, VARIANTS


def main(arguments: Sequence[str] | None = None) -> int:
    """Explores what the command line asks for; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m reliability.model", description=__doc__)
    parser.add_argument("-v", "--verbose", action="store_true", help="tell how each was caught")
    parser.add_argument("--only", default="", help="variants whose name contains this")
    parser.add_argument("--small", action="store_true", help="leave out the large ones")
    asked = parser.parse_args(arguments)
    chosen = [
        variant
        for variant in VARIANTS
        if asked.only in variant.name and not (asked.small and variant.large)
    ]
    if not chosen:
        print(f"[model] no variant is called {asked.only!r}", file=sys.stderr)
        return 1
    return _explore_all(chosen, verbose=asked.verbose)


def _explore_all(chosen: Sequence[Variant], *, verbose: bool) -> int:
    width = max(len(variant.name) for variant in chosen)
    print(f"{'variant':{width}}  {'rule':5}  {'states':>9}  {'seconds':>7}  result")
    not_as_expected = 0
    taken: set[Taken] = set()
    for variant in chosen:
        # Said before, since the large ones take a while.
        print(f"{variant.name:{width}}  {variant.rule:5}  ", end="", flush=True)
        started = time.process_time()
        explored = variant.explore()
        seconds = time.process_time() - started
        objection = variant.objection(explored)
        not_as_expected += bool(objection)
        print(f"{explored.states:9,}  {seconds:7.2f}  {_result(variant, explored, objection)}")
        if verbose or objection:
            _tell_story(explored)
        if variant.breach is None:
            taken |= explored.taken
    print(f"{len(chosen)} variants, {not_as_expected} not as expected")
    if any(variant not in chosen for variant in HOLDING if not variant.large):
        return int(not_as_expected > 0)
    print(f"{len(taken)} of {len(DECLARED)} declared transitions, with their reasons, were taken")
    return int(not_as_expected > 0 or taken != DECLARED)


def _result(variant: Variant, explored: Explored, objection: str) -> str:
    found = "holds" if explored.found is None else ": ".join(explored.found)
    if objection:
        return f"WRONG: {objection} ({found})"
    return found if variant.breach is None else f"caught: {found}"


def _tell_story(explored: Explored) -> None:
    for number, what in enumerate(explored.story, 1):
        print(f"    {number:2}. {what}")


if __name__ == "__main__":
    sys.exit(main())
