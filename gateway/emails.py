"""E-mail addresses: their form. Nothing is looked up; reserved domains are accepted."""

import unicodedata
from typing import Final

from shards.ids import normalise_email

EMAIL_LENGTH_MIN: Final = 3
EMAIL_LENGTH_MAX: Final = 254


def parse_email(text: str) -> str | None:
    """The one spelling of this address, or None when it has not the form of one.

    One @ with something on both sides, 3 to 254 characters before and after normalisation, no
    white space and no control characters.
    """
    # The length first: normalising a long run of combining marks takes the square of its length.
    if len(text) > EMAIL_LENGTH_MAX:
        return None
    email = normalise_email(text)
    local, at, domain = email.partition("@")
    well_formed = (
        EMAIL_LENGTH_MIN <= len(email) <= EMAIL_LENGTH_MAX
        and bool(local and at and domain)
        and "@" not in domain
        and not any(_is_blank_or_control(character) for character in email)
    )
    return email if well_formed else None


def _is_blank_or_control(character: str) -> bool:
    return character.isspace() or unicodedata.category(character) == "Cc"
