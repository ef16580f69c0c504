"""`holdfast verify`: the hash chains of all shards, computed anew."""

import asyncio
import json
import time
from collections.abc import Sequence
from dataclasses import asdict
from typing import Annotated
from uuid import UUID

import typer

from audit import AuditedShard, Outcome
from audit.verified import BrokenRow, RowId, ShardTally, Verified
from audit.verify import verify
from cli.errors import CommandError
from cli.options import AsJson
from cli.system import System, find_system
from cli.text import printable
from cli.verify_progress import shown_progress
from config.sections import ShardSettings
from shards.ids import bucket_of

_EXIT_CODES = {Outcome.OK: 0, Outcome.BREACH: 1, Outcome.NOT_AUDITED: 2}
_OUTCOMES = {Outcome.OK: "ok", Outcome.BREACH: "broken", Outcome.NOT_AUDITED: "not verified"}


def verify_command(
    shard: Annotated[str, typer.Option(help="Only the chains of this shard.")] = "",
    user: Annotated[
        UUID | None, typer.Option(help="Only the entries and accounts of this user; its id.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Computes every hash of entries and acts anew, and names each row that breaks its chain.

    Changes nothing, and is right under full load. Exits with 0 when all is well, 1 when a chain is
    broken, and 2 when a shard does not answer, so that not all was verified.
    """
    system = find_system()
    chosen = _chosen(system, shard=shard, user=user)
    since = time.monotonic()
    with shown_progress(quiet=as_json) as told:
        verified = asyncio.run(
            verify(
                [AuditedShard(one.name, one.dsn, one.buckets) for one in chosen],
                buckets=system.buckets,
                user_id=user,
                told=told,
            )
        )
    took_s = time.monotonic() - since
    if as_json:
        print(json.dumps(_as_json(verified, took_s=took_s), indent=2))
    else:
        _print(verified, took_s=took_s)
    raise typer.Exit(_EXIT_CODES[verified.outcome])


def _chosen(system: System, *, shard: str, user: UUID | None) -> Sequence[ShardSettings]:
    """The shards to read: that of the user, the one that was named, or all."""
    chosen = [one for one in system.shards if shard in ("", one.name)]
    if not chosen:
        known = ", ".join(one.name for one in system.shards)
        raise CommandError(f"there is no shard {shard!r}; --shard is one of {known}")
    if user is None:
        return chosen
    of_user = [one for one in chosen if bucket_of(user) in one.buckets]
    if not of_user:
        where = f"shard {shard}" if shard else "this system"
        raise CommandError(f"{user} is no user of {where}: no bucket of it has such ids")
    return of_user


def _print(verified: Verified, *, took_s: float) -> None:
    # Plain lines, which no terminal cuts: somebody will copy these ids.
    for tally in verified.shards:
        for broken in tally.broken:
            print(_line(broken))
        if tally.found > len(tally.broken):
            print(f"{tally.shard}  ... and {tally.found - len(tally.broken):,} more")
    for tally in (one for one in verified.shards if one.finished or _rows([one])):
        print(
            f"{tally.shard}: {tally.entries:,} entries of {tally.accounts:,} accounts,"
            f" {tally.acts:,} acts" + ("" if tally.finished else ", and then no answer")
        )
    rows = _rows(verified.shards)
    print(f"{rows:,} rows in {took_s:.1f} s: {_rate(rows, took_s):,} per second.")
    _print_outcome(verified)


def _print_outcome(verified: Verified) -> None:
    for lost in verified.lost:
        print(f"{lost.shard} was not verified: {lost.detail}")
    match verified.outcome:
        case Outcome.OK:
            print("OK: every hash is right, and every chain ends where its account says.")
        case Outcome.BREACH:
            found = sum(tally.found for tally in verified.shards)
            print(f"BROKEN: {found:,} {'flaw' if found == 1 else 'flaws'}, see above.")
        case Outcome.NOT_AUDITED:
            print("NOT VERIFIED: see above, and run this again.")


def _line(broken: BrokenRow) -> str:
    row = broken.row
    where = (row.user_id, row.currency) if row.bucket is None else ("bucket", row.bucket)
    seq = [] if row.seq is None else [f"seq {row.seq}"]
    place = printable(" ".join(map(str, [row.kind, *where, *seq])))
    return f"{broken.shard}  {place}  {broken.what}: {printable(broken.detail)}"


def _as_json(verified: Verified, *, took_s: float) -> dict[str, object]:
    rows = _rows(verified.shards)
    return {
        "outcome": _OUTCOMES[verified.outcome],
        "ok": verified.outcome is Outcome.OK,
        "rows": rows,
        "seconds": round(took_s, 3),
        "rows_per_second": _rate(rows, took_s),
        "shards": [_tally_as_json(tally) for tally in verified.shards],
        "unverified": [asdict(lost) for lost in verified.lost],
    }


def _tally_as_json(tally: ShardTally) -> dict[str, object]:
    return {
        "shard": tally.shard,
        "finished": tally.finished,
        "entries": tally.entries,
        "accounts": tally.accounts,
        "acts": tally.acts,
        "flaws": tally.found,
        "broken": [
            {**_row_as_json(broken.row), "what": broken.what.value, "detail": broken.detail}
            for broken in tally.broken
        ],
    }


def _row_as_json(row: RowId) -> dict[str, object]:
    return {"row": row.kind.value} | {
        name: value for name, value in asdict(row).items() if name != "kind" and value is not None
    }


def _rows(tallies: Sequence[ShardTally]) -> int:
    return sum(tally.entries + tally.acts for tally in tallies)


def _rate(rows: int, took_s: float) -> int:
    return round(rows / took_s) if took_s else 0
