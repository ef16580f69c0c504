"""The model that balance reads are held against."""

from reliability.checker.events import Event
from reliability.checker.replay import ReplayedUser, State
from reliability.checker.replay import replay as replay_of


def replay(events: list[Event]) -> ReplayedUser:
    return replay_of("u", events, {})


def told(user: ReplayedUser) -> list[str]:
    return [fault.told for fault in user.faults]


def event(sequence: int, type_: str, amount: int, **entry: int) -> Event:
    return Event(
        sequence=sequence,
        transaction=str(entry.get("transaction", sequence)),
        type=type_,
        source=f"s{sequence}",
        currency="EUR",
        amount=amount,
        entry_seq=entry.get("seq"),
        entry_amount=entry.get("posted"),
        balance_after=entry.get("after"),
    )


DEPOSITED = event(1, "movement.deposited", 100, seq=1, posted=100, after=100)


def test_each_transaction_leaves_a_version():
    user = replay(
        [
            DEPOSITED,
            event(2, "transfer.held", 60),
            event(3, "transfer.debited", 60, seq=2, posted=-60, after=40),
            event(4, "transfer.completed", 60),
            event(5, "transfer.rejected", 10**6),
            event(6, "transfer.credited", 5, seq=3, posted=5, after=45),
        ]
    )

    assert user.faults == []
    assert user.accounts["EUR"].states == [
        State(0, 0),
        State(100, 0),
        State(100, 60),
        State(40, 0),
        State(45, 0),
    ]


def test_what_a_batch_does_to_an_account_is_one_version():
    held = [event(number, "transfer.held", number, transaction=9) for number in (2, 3)]

    user = replay([DEPOSITED, *held, event(4, "transfer.cancelled", 2)])

    assert user.accounts["EUR"].states[2:] == [State(100, 5), State(100, 3)]
    assert [change.version for change in user.accounts["EUR"].changes] == [1, 2, 2, 3]


def test_a_gap_an_unknown_event_and_an_overdraft_do_not_fit():
    user = replay([DEPOSITED, event(3, "transfer.held", 101), event(4, "transfer.vanished", 1)])

    assert [fault.split(" ", 2)[1] for fault in told(user)] == ["3", "3", "4", "4"]


def test_what_is_done_to_a_user_moves_nothing_and_a_closed_wallet_is_empty_for_good():
    acts = ("user.made_operator", "user.removed_operator", "user.frozen", "user.unfrozen")
    done = [event(number, type_, 0) for number, type_ in enumerate(acts, start=2)]
    withdrawn = event(6, "movement.withdrawn", 100, seq=2, posted=-100, after=0)
    credited = event(8, "transfer.credited", 1, seq=3, posted=1, after=1)
    closed = event(7, "user.closed", 0)
    limited = event(8, "account.limit_set", 0)

    assert told(replay([DEPOSITED, *done, withdrawn, closed, limited])) == []
    assert (
        "moves money of a closed wallet"
        in told(replay([DEPOSITED, *done, withdrawn, closed, credited]))[0]
    )
    assert told(replay([DEPOSITED, event(2, "user.closed", 0)])) == [
        "event 2 closes a wallet with 100 EUR"
    ]


def test_an_entry_that_is_missing_or_differs_does_not_fit():
    for entry in ({}, {"seq": 3, "posted": -60, "after": 40}, {"seq": 2, "posted": 60}):
        paid = event(3, "transfer.debited", 60, **entry)

        user = replay([DEPOSITED, event(2, "transfer.held", 60), paid])

        assert len(user.faults) == 1
        assert "must have made the entry" in told(user)[0]
