"""The command line of `python -m bench`."""

import argparse
from pathlib import Path

from bench.cases import Case, Mode, Shape, Workload
from bench.commands import LONG_S
from bench.stack.servers import FOLDER


def read_options(description: str | None) -> argparse.Namespace:
    """The command and its options."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=description)
    kinds = parser.add_subparsers(dest="command", required=True)
    one = kinds.add_parser("one", help="one case, as the options say; its line is printed")
    quick = kinds.add_parser("quick", help="the base case, waiting, batches: two minutes")
    full = kinds.add_parser("full", help="the whole matrix")
    long = kinds.add_parser("long", help="half an hour at half the best rate: what grows?")
    long.add_argument("--minutes", type=float, default=LONG_S / 60)
    _add_shape(one)
    for kind in (one, quick, full, long):
        kind.add_argument(
            *("--set", "-s"),
            action="append",
            default=[],
            metavar="NAME=VALUE",
            help="a setting of the product; runs with one are printed, and are no results",
        )
        kind.add_argument(
            *("--folder", "--keep"),
            type=Path,
            default=FOLDER,
            help="data of the servers, with ledgers that are built once",
        )
    return parser.parse_args()


def case_of(given: argparse.Namespace) -> Case:
    """The case that the options of `one` describe.

    Raises:
        ValueError: a rate without an open loop, or the other way round.
    """
    if (given.mode is Mode.OPEN) != (given.rate is not None):
        raise ValueError("--rate is for --mode open, which needs one")
    shape = Shape(
        mode=given.mode,
        clients=given.clients,
        rate=given.rate,
        workload=given.workload,
        shards=given.shards,
        workers=given.workers,
        buckets=given.buckets,
        entries=given.entries,
        users=given.users,
    )
    return Case(
        name=f"{shape.mode}-{shape.clients}",
        shape=shape,
        seconds=given.seconds,
        warmup_s=given.warmup,
        seed=given.seed,
    )


def settings_of(given: argparse.Namespace) -> dict[str, str]:
    """The settings of the product that were given.

    Raises:
        ValueError: one is no NAME=VALUE.
    """
    wrong = [each for each in given.set if "=" not in each]
    if wrong:
        raise ValueError(f"--set {wrong[0]}: write it as NAME=VALUE")
    return dict(each.split("=", 1) for each in given.set)


def _add_shape(one: argparse.ArgumentParser) -> None:
    shape = Shape()
    one.add_argument("--mode", type=Mode, choices=list(Mode), default=shape.mode)
    one.add_argument("--workload", type=Workload, choices=list(Workload), default=shape.workload)
    for name in ("clients", "shards", "workers", "buckets", "entries", "users"):
        one.add_argument(f"--{name}", type=int, default=getattr(shape, name))
    one.add_argument("--rate", type=float, default=None, help="arrivals per second of `open`")
    one.add_argument("--seconds", type=float, default=15.0)
    one.add_argument("--warmup", type=float, default=5.0)
    one.add_argument("--seed", type=int, default=1)
