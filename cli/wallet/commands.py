"""The commands of a wallet, put where a person looks for them."""

import typer

from cli.wallet.holding import capture_command, hold_command, holds_command, void_command
from cli.wallet.looking import balance_command, history_command
from cli.wallet.moving import deposit_command, withdraw_command
from cli.wallet.operator_currency import currency_command
from cli.wallet.operator_trail import trail_command
from cli.wallet.operator_users import (
    close_command,
    freeze_command,
    limit_command,
    show_command,
    unfreeze_command,
)
from cli.wallet.sending import cancel_command, refund_command, send_command
from cli.wallet.signing_in import login_command, logout_command, register_command, whoami_command
from cli.wallet.transfers import transfer_command, transfers_command

_LOGIN = "Who you are"
_MONEY = "Your wallet, over HTTP"
_OVER_HTTP = "Over HTTP, as a logged-in operator"


def add_wallet_commands(app: typer.Typer) -> None:
    """Adds what a user does."""
    app.command("register", rich_help_panel=_LOGIN)(register_command)
    app.command("login", rich_help_panel=_LOGIN)(login_command)
    app.command("logout", rich_help_panel=_LOGIN)(logout_command)
    app.command("whoami", rich_help_panel=_LOGIN)(whoami_command)
    app.command("deposit", rich_help_panel=_MONEY)(deposit_command)
    app.command("withdraw", rich_help_panel=_MONEY)(withdraw_command)
    app.command("send", rich_help_panel=_MONEY)(send_command)
    app.command("balance", rich_help_panel=_MONEY)(balance_command)
    app.command("history", rich_help_panel=_MONEY)(history_command)
    app.command("transfers", rich_help_panel=_MONEY)(transfers_command)
    app.command("transfer", rich_help_panel=_MONEY)(transfer_command)
    app.command("cancel", rich_help_panel=_MONEY)(cancel_command)
    app.command("refund", rich_help_panel=_MONEY)(refund_command)
    app.command("hold", rich_help_panel=_MONEY)(hold_command)
    app.command("holds", rich_help_panel=_MONEY)(holds_command)
    app.command("capture", rich_help_panel=_MONEY)(capture_command)
    app.command("void", rich_help_panel=_MONEY)(void_command)


def add_operator_commands(app: typer.Typer) -> None:
    """Adds what an operator does over HTTP to the group of commands that makes operators."""
    app.command("show", rich_help_panel=_OVER_HTTP)(show_command)
    app.command("freeze", rich_help_panel=_OVER_HTTP)(freeze_command)
    app.command("unfreeze", rich_help_panel=_OVER_HTTP)(unfreeze_command)
    app.command("close", rich_help_panel=_OVER_HTTP)(close_command)
    app.command("limit", rich_help_panel=_OVER_HTTP)(limit_command)
    app.command("currency", rich_help_panel=_OVER_HTTP)(currency_command)
    app.command("trail", rich_help_panel=_OVER_HTTP)(trail_command)
