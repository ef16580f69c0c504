"""E-mail addresses: their form. Nothing is looked up; reserved domains are accepted."""

import re
import unicodedata
from typing import Final

from shards.ids import normalise_email

EMAIL_LENGTH_MIN: Final = 3
EMAIL_LENGTH_MAX: Final = 254

# Letters and marks by their category, and yet nothing is shown of them: the joiner of graphemes,
# fillers of Hangul, inherent vowels of Khmer, selectors of variants, the blank of Braille.
_UNSEEN: Final = re.compile(
    "[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2800\u3164\ufe00-\ufe0f\uffa0\U000e0100-\U000e01ef]"
)


def parse_email(text: str) -> str | None:
    """The one spelling of this address, or None when it has not the form of one.

    One @ with something on both sides, 3 to 254 characters before and after normalisation, no
    white space, no control characters, and nothing that is not seen: two addresses that look the
    same to whoever pays must not be two people.
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
        and not any(_is_blank_or_unseen(character) for character in email)
    )
    return email if well_formed else None


def _is_blank_or_unseen(character: str) -> bool:
    return (
        character.isspace()
        or unicodedata.category(character) in ("Cc", "Cf")
        or _UNSEEN.match(character) is not None
    )
