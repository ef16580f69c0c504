"""A typed, async client of Holdfast's HTTP API: docs/client.md.

It imports nothing of the engine. `Holdfast` is the beginning of everything.
"""

from client.answers import AnswerHead
from client.entry_chain import EntryChain
from client.entry_hash import entry_hash
from client.errors import (
    BrokenChainError,
    ClientError,
    ConflictError,
    DeclinedError,
    FieldError,
    NoAnswerError,
    NotOverError,
    Problem,
    ProblemError,
    SignInError,
    TryLaterError,
    UnexpectedAnswerError,
)
from client.holdfast import Holdfast
from client.ledger_models import Act, Entry
from client.models import (
    Account,
    Currency,
    EntryKind,
    Limit,
    Movement,
    PastBalance,
    Readiness,
    Token,
    User,
    UserStatus,
    Wallet,
)
from client.money import as_minor, as_text
from client.pages import Listing, Page
from client.requests import TransferOrder
from client.retries import Clock, Retries
from client.session import Session
from client.transfer_models import (
    Batch,
    BatchResult,
    Direction,
    Hold,
    HoldStatus,
    ListedTransfer,
    Transfer,
    TransferStatus,
)

__all__ = [
    "Account",
    "Act",
    "AnswerHead",
    "Batch",
    "BatchResult",
    "BrokenChainError",
    "ClientError",
    "Clock",
    "ConflictError",
    "Currency",
    "DeclinedError",
    "Direction",
    "Entry",
    "EntryChain",
    "EntryKind",
    "FieldError",
    "Hold",
    "HoldStatus",
    "Holdfast",
    "Limit",
    "ListedTransfer",
    "Listing",
    "Movement",
    "NoAnswerError",
    "NotOverError",
    "Page",
    "PastBalance",
    "Problem",
    "ProblemError",
    "Readiness",
    "Retries",
    "Session",
    "SignInError",
    "Token",
    "Transfer",
    "TransferOrder",
    "TransferStatus",
    "TryLaterError",
    "UnexpectedAnswerError",
    "User",
    "UserStatus",
    "Wallet",
    "as_minor",
    "as_text",
    "entry_hash",
]
