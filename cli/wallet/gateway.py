"""Which gateway a command talks to, and as whom."""

from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

from cli.errors import CommandError
from cli.wallet.logins import Login, Logins, logins_folder
from config.running import RunFileError, running_gateway
from config.settings import Settings, load_settings
from shards.ids import normalise_email


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """A gateway, and how a person writes a command for it again.

    Attributes:
        url: without a slash at its end.
        told: whether it was given on the command line.
    """

    url: str
    told: bool

    def command(self, command: str) -> str:
        """A command that goes to this gateway, too."""
        return f"holdfast {command}" + (f" --gateway {self.url}" if self.told else "")


def find_target(given: str, *, kept: Sequence[Login] = ()) -> Target:
    """The gateway that was given, else configured, else of `make run`, else of the last login.

    Args:
        given: of the command line; empty for none.
        kept: logins, the one that was used last first.

    Raises:
        CommandError: there is none, or what was given is no address.
        config.settings.UnknownSettingError, pydantic.ValidationError: as `load_settings`.
    """
    if given:
        return Target(url=_address(given, "--gateway"), told=True)
    settings = load_settings()
    url = _configured(settings) or (kept[0].gateway if kept else "")
    if not url:
        raise CommandError(
            "which gateway? give --gateway URL or HOLDFAST_GATEWAY__URL, or start `make run`"
        )
    return Target(url=url, told=False)


def find_login(logins: Logins, *, email: str, gateway: str) -> tuple[Target, Login]:
    """The login of this e-mail, or the one that was used last, on the gateway of this command.

    Raises:
        CommandError: there is none, or it has ended.
    """
    wanted = normalise_email(email)
    kept = [one for one in logins.all() if wanted in ("", one.email)]
    target = find_target(gateway, kept=kept or logins.all())
    login = next((one for one in kept if one.gateway == target.url), None)
    again = target.command(f"login {wanted or 'EMAIL'}")
    if login is None:
        who = f" as {wanted}" if wanted else ""
        raise CommandError(f"not logged in{who} on {target.url}: {again}")
    if login.has_ended:
        again = target.command(f"login {login.email}")
        raise CommandError(f"the login as {login.email} on {target.url} has ended: {again}")
    return target, login


def stored_logins() -> Logins:
    """Those of the person who runs this command."""
    return Logins(logins_folder())


def complete_email(incomplete: str) -> list[str]:
    """The e-mails of stored logins that begin like this; asks nobody, and never fails."""
    try:
        kept = stored_logins().all()
    except CommandError:
        return []
    return sorted({one.email for one in kept if one.email.startswith(incomplete)})


def _configured(settings: Settings) -> str:
    if settings.gateway.url:
        return _address(settings.gateway.url, "HOLDFAST_GATEWAY__URL")
    try:
        return running_gateway(settings.home) or ""
    except RunFileError as error:
        raise CommandError(f"{error}; start `make run` again, or give --gateway URL") from error


def _address(text: str, source: str) -> str:
    try:
        parts = urlsplit(text.strip().rstrip("/"))
        # Each raises where it is none.
        is_whole = bool(parts.hostname and parts.hostname.encode("idna")) and parts.port != 0
    except ValueError:
        raise _no_address(text, source) from None
    if parts.username is not None:
        # Not told again: it may be a password.
        raise CommandError(f"{source} has a user in it, and no gateway takes one: `holdfast login`")
    is_plain = not (parts.query or parts.fragment) and parts.geturl().isprintable()
    if parts.scheme not in ("http", "https") or not is_whole or not is_plain or " " in text.strip():
        raise _no_address(text, source)
    return parts.geturl()


def _no_address(text: str, source: str) -> CommandError:
    return CommandError(f"{source} is no address such as http://127.0.0.1:8080: {text!r}")
