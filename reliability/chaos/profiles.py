"""How large a run is, and what it must have reached to count."""

from dataclasses import dataclass, replace


@dataclass(frozen=True, slots=True, kw_only=True)
class Minimums:
    """Below any of these a run shows nothing, however clean it is.

    Attributes:
        each_kind: times that every planned kind must have happened, or as often as it was planned.
        ending: transfers of each ending.
    """

    faults: int
    each_kind: int
    kinds: int
    transfers: int
    frames: int
    ending: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """One size of run.

    Attributes:
        duration_s: from the first fault's window to the last heal.
        windows_s: shortest and longest time between two choices of faults.
        frames_every_s: how often everything is frozen and added up.
        outage_s_max: longest time that a shard's server is down.
        doors: wallets that are closed while they are paid, each once, all over the run.
        rate: requests a client begins per second, whatever becomes of the earlier ones.
        replayed_max: messages of a replay from the beginning.
    """

    name: str
    brokers: int
    shards: int
    gateways: int
    workers: int
    duration_s: float
    windows_s: tuple[float, float]
    frames_every_s: float
    outage_s_max: float
    users: int
    ladders: int
    doors: int
    rate: float
    replayed_max: int
    minimums: Minimums
    shortened: bool = False


SMOKE = Profile(
    name="smoke",
    brokers=1,
    shards=2,
    gateways=2,
    workers=2,
    duration_s=62.0,
    windows_s=(2.0, 9.0),
    frames_every_s=32.0,
    outage_s_max=8.0,
    users=48,
    ladders=4,
    doors=40,
    rate=90.0,
    replayed_max=4_000,
    minimums=Minimums(faults=10, each_kind=1, kinds=6, transfers=3_000, frames=1, ending=5),
)

SOAK = Profile(
    name="soak",
    brokers=3,
    shards=4,
    gateways=2,
    workers=4,
    duration_s=3_600.0,
    windows_s=(5.0, 20.0),
    frames_every_s=60.0,
    outage_s_max=120.0,
    users=120,
    ladders=12,
    doors=240,
    rate=70.0,
    replayed_max=10_000,
    minimums=Minimums(faults=300, each_kind=5, kinds=18, transfers=100_000, frames=40, ending=50),
)

PROFILES = {profile.name: profile for profile in (SMOKE, SOAK)}


def shortened(profile: Profile, minutes: float) -> Profile:
    """The same for a shorter time; faults, transfers and frames are asked for in proportion."""
    share = minutes * 60 / profile.duration_s
    whole = profile.minimums
    return replace(
        profile,
        duration_s=minutes * 60,
        shortened=share < 1,
        minimums=Minimums(
            faults=int(whole.faults * share),
            each_kind=max(1, int(whole.each_kind * share)),
            kinds=min(whole.kinds, max(1, int(whole.faults * share) // 2)),
            transfers=int(whole.transfers * share),
            frames=int(whole.frames * share),
            ending=max(1, int(whole.ending * share)),
        ),
    )
