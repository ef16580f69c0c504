"""What operators do to users, as data: acts, what each makes of a user, and what it is refused for.

A closed user stays closed: others were told that the money comes back, and a wallet that opened
again would make that a matter of luck.
"""

from enum import StrEnum
from uuid import UUID

from shards.users import UserRole, UserStatus


class UserAct(StrEnum):
    """Acts on users, as the trail names them."""

    FREEZE = "user.freeze"
    UNFREEZE = "user.unfreeze"
    CLOSE = "user.close"
    MAKE_OPERATOR = "user.make_operator"
    REMOVE_OPERATOR = "user.remove_operator"


# (status before, act) -> status after. What is not here is refused: closed is for good.
STATUS_AFTER: dict[tuple[UserStatus, UserAct], UserStatus] = {
    (UserStatus.OPEN, UserAct.FREEZE): UserStatus.FROZEN,
    (UserStatus.OPEN, UserAct.UNFREEZE): UserStatus.OPEN,
    (UserStatus.OPEN, UserAct.CLOSE): UserStatus.CLOSED,
    (UserStatus.FROZEN, UserAct.FREEZE): UserStatus.FROZEN,
    (UserStatus.FROZEN, UserAct.UNFREEZE): UserStatus.OPEN,
    (UserStatus.FROZEN, UserAct.CLOSE): UserStatus.CLOSED,
    (UserStatus.CLOSED, UserAct.CLOSE): UserStatus.CLOSED,
}

ROLE_AFTER = {
    UserAct.MAKE_OPERATOR: UserRole.OPERATOR,
    UserAct.REMOVE_OPERATOR: UserRole.USER,
}


class UnknownUserError(Exception):
    """There is no such user on this shard."""


class UserClosedError(Exception):
    """The user is closed, which is for good."""


class WalletNotEmptyError(Exception):
    """There is money in the wallet, or under way from it."""


def status_after(act: UserAct, before: UserStatus, *, user_id: UUID) -> UserStatus:
    """What an act makes of a status; the same one for a repeat, and for an act on a role.

    Raises:
        UserClosedError: closed is for good.
    """
    if act in ROLE_AFTER:
        return before
    try:
        return STATUS_AFTER[before, act]
    except KeyError:
        raise UserClosedError(user_id) from None
