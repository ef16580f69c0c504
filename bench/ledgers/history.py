"""The past of a ledger: deposits, then transfers, as the engine would have written them.

Everything follows from the shape. Whoever builds only some of the shards draws the same transfers
and leaves the rows of the others out.
"""

import hashlib
import random
from collections.abc import Iterator
from datetime import timedelta

from bench.ledgers.shape import (
    AMOUNT_MAX_MINOR,
    BEGAN,
    CURRENCY,
    DEPOSITS_S,
    OPENING_MINOR,
    TRANSFER_MS,
    LedgerShape,
)
from bench.ledgers.users import BenchUser, make_users
from bench.ledgers.wallets import NULL, ShardRows, Wallet
from sagas.events import MOVEMENT_DONE, TRANSFER_CREDITED, TRANSFER_STATUS, USER_CREATED
from sagas.states import Status
from shards.book_rows import EntryKind
from shards.ids import RandomIds
from shards.movements import MovementKind
from shards.verdicts import VerdictKind

CHUNK = 5_000
_EXPIRES_MS = 3_600_000
# Held, debited, credited, completed, from the try on; it is over before the next one begins.
_MOMENTS_MS = (0, 2, 4, 6)

_HELD_EVENT = TRANSFER_STATUS[Status.HELD]
_DEBITED_EVENT = TRANSFER_STATUS[Status.DEBITED]
_COMPLETED_EVENT = TRANSFER_STATUS[Status.COMPLETED]
_DEPOSITED_EVENT = MOVEMENT_DONE[MovementKind.DEPOSIT]
# As text at once: an f-string takes three times as long to ask an enumeration for it.
_DEPOSIT = EntryKind.DEPOSIT.value
_OUT, _IN = EntryKind.TRANSFER_OUT.value, EntryKind.TRANSFER_IN.value
_CREDITED = VerdictKind.CREDITED.value


class History:
    """The rows of some shards of one ledger, in the order of time.

    Args:
        shape: of the whole ledger.
        shards: which of its shards' rows are made, by number.
    """

    def __init__(self, shape: LedgerShape, shards: frozenset[int]) -> None:
        self._shape = shape
        self._clock = _Clock()
        self._rng = random.Random(f"history {shape.seed}")
        self._ids = RandomIds(self._rng, lambda: self._clock.unix_ms)
        self._users = make_users(shape)
        self._names = [str(user.id) for user in self._users]
        self.rows = {shard: ShardRows() for shard in shards}
        began = self._clock.text(0)
        self._wallets = [self._wallet(user, at=began) for user in self._users]

    def chunks(self) -> Iterator[int]:
        """Adds to `rows`, which are to be taken away each time; gives the entries so far.

        The last ones are users and accounts, as everything before has left them.
        """
        done = 0
        for number, user in enumerate(self._users):
            self._join(number, user)
            done += 1
            if done % CHUNK == 0:
                yield done
        yield done
        for number in range(self._shape.transfers):
            self._transfer(number)
            done += 2
            if number % CHUNK == CHUNK - 1:
                yield done
        for wallet in self._wallets:
            if wallet is not None:
                wallet.close()
        yield done

    def _wallet(self, user: BenchUser, *, at: str) -> Wallet | None:
        rows = self.rows.get(self._shape.shard_of(user.bucket))
        return None if rows is None else Wallet(user, rows, at=at)

    def _join(self, number: int, user: BenchUser) -> None:
        """A user is made, and deposits."""
        self._clock.set(number * DEPOSITS_S * 1000 // self._shape.users)
        id_ = self._ids.new_id(user.bucket)
        wallet = self._wallets[number]
        if wallet is None:
            return
        at, movement, trace = self._clock.text(0), str(id_), _trace(id_.hex)
        wallet.tell(
            USER_CREATED,
            f'{{"user_id":"{wallet.id}","email":"{user.email}"}}',
            trace=trace,
            at=at,
        )
        hash_ = wallet.post(_DEPOSIT, OPENING_MINOR, source=movement, counterparty="", at=at)
        wallet.changes += 1
        wallet.tell(
            _DEPOSITED_EVENT,
            f'{{"movement_id":"{movement}","user_id":"{wallet.id}","currency":"{CURRENCY}"'
            f',"amount_minor":"{OPENING_MINOR}","balance_after_minor":"{wallet.balance}"}}',
            trace=trace,
            at=at,
        )
        key = f"deposit-{number}"
        self.rows[self._shape.shard_of(user.bucket)].movements.append(
            f"{movement}\t{user.bucket}\t{wallet.id}\t{_DEPOSIT}\t{CURRENCY}\t{OPENING_MINOR}"
            f"\tcompleted\t{NULL}\t{wallet.id}\t{key}\t{_fingerprint(key)}\t{NULL}"
            f"\t0\t{OPENING_MINOR}\t\\\\x{hash_}\t{at}\n"
        )

    def _transfer(self, number: int) -> None:
        """A transfer from its try to its end; nothing else happens meanwhile."""
        draw = self._rng.random
        self._clock.set(DEPOSITS_S * 1000 + number * TRANSFER_MS)
        first = int(draw() * self._shape.users)
        second = int(draw() * (self._shape.users - 1))
        second += second >= first
        amount = 1 + int(draw() * AMOUNT_MAX_MINOR)
        payer, payee = self._names[first], self._names[second]
        id_ = self._ids.new_id(self._users[first].bucket)
        name, trace = str(id_), _trace(id_.hex)
        told = (
            f'{{"transfer_id":"{name}","payer_id":"{payer}","payee_id":"{payee}"'
            f',"currency":"{CURRENCY}","amount_minor":"{amount}","reason":null,"status":'
        )
        held, debited, credited, completed = map(self._clock.text, _MOMENTS_MS)
        if (wallet := self._wallets[first]) is not None:
            wallet.spend(amount, at=held)
            wallet.post(_OUT, -amount, source=name, counterparty=payee, at=debited)
            wallet.changes += 2  # the hold, and the debit
            wallet.tell(_HELD_EVENT, told + '"held"}', trace=trace, at=held)
            wallet.tell(_DEBITED_EVENT, told + '"debited"}', trace=trace, at=debited)
            wallet.tell(_COMPLETED_EVENT, told + '"completed"}', trace=trace, at=completed)
            key = f"transfer-{number}"
            self.rows[self._shape.shard_of(wallet.bucket)].transfers.append(
                f"{name}\t{wallet.bucket}\t{payer}\t{payee}\t{CURRENCY}\t{amount}\tcompleted"
                f"\t{NULL}\t{payer}\t{key}\t{_fingerprint(key)}\t{NULL}\t{trace}\t0\t{NULL}"
                f"\t{held}\t{self._clock.text(_EXPIRES_MS)}\t{debited}\t{completed}\n"
            )
        if (wallet := self._wallets[second]) is not None:
            wallet.post(_IN, amount, source=name, counterparty=payer, at=credited)
            wallet.changes += 1
            wallet.tell(TRANSFER_CREDITED, told + '"credited"}', trace=trace, at=credited)
            self.rows[self._shape.shard_of(wallet.bucket)].verdicts.append(
                f"{name}\t{wallet.bucket}\t{payer}\t{payee}\t{CURRENCY}\t{amount}"
                f"\t{_CREDITED}\t{NULL}\t{credited}\n"
            )


class _Clock:
    """Milliseconds since the ledger began, in the spelling of entries' canonical strings."""

    def __init__(self) -> None:
        self._ms = 0
        self._began_ms = int(BEGAN.timestamp() * 1000)
        self._seconds: dict[int, str] = {}

    def set(self, ms: int) -> None:
        self._ms = ms

    @property
    def unix_ms(self) -> int:
        return self._began_ms + self._ms

    def text(self, later_ms: int) -> str:
        second, ms = divmod(self._ms + later_ms, 1000)
        return f"{self._second(second)}.{ms:03}000Z"

    def _second(self, second: int) -> str:
        known = self._seconds.get(second)
        if known is None:
            if len(self._seconds) > 100:
                self._seconds.clear()
            known = (BEGAN + timedelta(seconds=second)).strftime("%Y-%m-%dT%H:%M:%S")
            self._seconds[second] = known
        return known


def _trace(hex_: str) -> str:
    return f"00-{hex_}-{hex_[16:]}-01"


def _fingerprint(key: str) -> str:
    return f"\\\\x{hashlib.sha256(key.encode()).hexdigest()}"
