"""All patterns, by what they are looked for in."""

from __future__ import annotations

from typing import Final

from checks.logs.personal import contact, credential, financial, identity, parameter
from checks.logs.personal.pattern import Pattern

PATTERNS: Final[tuple[Pattern, ...]] = (
    contact.EMAIL, contact.PHONE, contact.PHONE_NANP, contact.PHONE_NAMED,
    financial.CARD, financial.CARD_NAMED, financial.IBAN, financial.IBAN_NAMED,
    identity.NAMED, identity.US, identity.CN, identity.TH, identity.FR, identity.IT, identity.BE, identity.FI,
    credential.JWT, credential.BEARER, credential.BASIC, credential.AWS_KEY_ID, credential.AWS_SECRET, credential.PRIVATE_KEY,
    credential.API_KEY, parameter.PASSWORD, parameter.TOKEN, parameter.SESSION, parameter.ADDRESS_PASSWORD,
)  # fmt: skip
"""What is looked for in free text."""
IN_NAMES: Final[tuple[Pattern, ...]] = (contact.EMAIL,)
"""What is looked for in columns that hold names of principals and hosts."""
