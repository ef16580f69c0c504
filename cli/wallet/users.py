"""Users that a command names by e-mail or by id."""

from typing import Annotated

import typer

from cli.text import printable
from cli.wallet.refusals import SaidNoError
from client import Session

User = Annotated[str, typer.Argument(metavar="EMAIL_OR_ID", help="Of the user.")]
Wallet = Annotated[
    str,
    typer.Option(
        "--wallet", metavar="EMAIL_OR_ID", help="As an operator: the wallet of this user."
    ),
]


async def user_id_of(session: Session, email_or_id: str) -> str:
    """The id of a user; an e-mail is looked up, which only operators may.

    Raises:
        SaidNoError: nobody has this e-mail.
        client.ClientError: as `Operator.find_users`.
    """
    if "@" not in email_or_id:
        return email_or_id
    for user in await session.operator.find_users(email_or_id):
        return user.id
    raise SaidNoError(
        f"nobody has registered with the e-mail {printable(email_or_id)}: check its spelling"
    )
