"""Cards and accounts."""

from __future__ import annotations

import functools
import re
from typing import Final

from stdnum import iban, luhn, numdb
from stdnum.exceptions import ValidationError

from checks.logs.personal.pattern import START, Candidate, Pattern, digits

_SCHEMES: Final = (
    # Visa, Mastercard, American Express, Diners Club, Discover, JCB, UnionPay, Maestro: first and last prefix, lengths
    (4, 4, {16, 19}),
    (51, 55, {16}),
    (2221, 2720, {16}),
    (34, 34, {15}),
    (37, 37, {15}),
    (300, 305, {14}),
    (36, 36, {14}),
    (38, 39, {14}),
    (6011, 6011, {16, 19}),
    (644, 649, {16, 19}),
    (65, 65, {16, 19}),
    (3528, 3589, {16}),
    (62, 62, {16, 17, 18, 19}),
    (5018, 5018, {16}),
    (5020, 5020, {16}),
    (5038, 5038, {16}),
    (6304, 6304, {16}),
    (6759, 6759, {16}),
    (6761, 6763, {16}),
)
"""Prefixes and lengths (ISO/IEC 7812-1 numbers; ranges as in braintree/credit-card-type, "card-types", of Maestro those in use)."""
_PLAIN: Final = {15, 16}
"""Lengths that are taken for a card's without a name beside them: the others are those of identifiers and of times in nanoseconds."""
_FORMS: Final = rb"[2-6][0-9]{3} [0-9]{4} [0-9]{4} [0-9]{4}|[2-6][0-9]{3}-[0-9]{4}-[0-9]{4}-[0-9]{4}|3[47][0-9]{2}[ -][0-9]{6}[ -][0-9]{5}|[2-6][0-9]{14,15}"
_OTHERWISE: Final = tuple(
    b"trace span request event order orders stamp time nonce epoch build id ids item items cursor offset ?ts &ts _ts".split()
)
"""Ends of names under which digits are no card: the last before a number or a path's last part."""
_NAME: Final = 24
_REGISTRY: Final = numdb.get("iban")


def _luhn(number: str) -> bool:
    """The check digit, and a prefix and length that a scheme has; one digit over and over is a filling."""
    if not luhn.is_valid(number) or len(set(number)) == 1:
        return False
    return any(len(number) in lengths and first <= int(number[: len(str(first))]) <= last for first, last, lengths in _SCHEMES)


def _card(candidate: Candidate) -> bytes | None:
    number = digits(candidate.value)
    if not candidate.ends or len(number) not in _PLAIN or not _luhn(number):
        return None
    return None if len(candidate.value) == len(number) and _named_otherwise(candidate) else number.encode()


def _named_otherwise(candidate: Candidate) -> bool:
    """Whether what stands before it calls it something else: one in forty numbers of 16 digits looks like a card's."""
    before = candidate.text[max(0, candidate.start - _NAME) : candidate.start].lower()
    name = before.rstrip(b"=:/\"' ")
    return name != before and name.endswith(_OTHERWISE)


def _named_card(candidate: Candidate) -> bytes | None:
    number = digits(candidate.value)
    return number.encode() if candidate.ends and _luhn(number) else None


def _account(candidate: Candidate) -> bytes | None:
    """So many characters as its country's accounts have: the word behind it may look like one more group."""
    text = candidate.value.decode("ascii").upper()
    number = text.replace(" ", "")[: _length(text[:2])]
    try:
        iban.validate(number, check_country=False)
    except ValidationError:
        return None
    after = text[_reach(text, len(number)) :]
    return number.encode() if after.startswith(" ") or (not after and candidate.ends) else None


@functools.cache
def _length(country: str) -> int:
    """Of the accounts of a country, with its two letters and two check digits; 0 for what is none."""
    known = _REGISTRY.info(country)[0][1]
    return 4 + sum(map(int, re.findall("[0-9]+", known["bban"]))) if known else 0


def _reach(text: str, characters: int) -> int:
    """How far so many characters reach that are no spaces."""
    places = [at for at, character in enumerate(text) if character != " "]
    return places[characters - 1] + 1 if characters else 0


CARD: Final = Pattern(
    "card",
    "the number of a payment card",
    "financial",
    START + rb"(?P<value>" + _FORMS + rb")",
    _card,
    ("/pay/4111111111111111/confirm", "pan 5555 5555 5555 4444", "378282246310005"),
    "ISO/IEC 7812-1 (Luhn); ranges as in braintree/credit-card-type",
    identifies=True,
)
CARD_NAMED: Final = Pattern(
    "card-named",
    "digits that are called the number of a payment card",
    "financial",
    rb"(?i)[^0-9A-Za-z](?P<name>card|card_?number|card_?no|credit_?card|pan|ccnum|cc_?number|cc)[\"']{0,2} ?[=:] ?[\"']?"
    rb"(?P<value>[2-6][0-9](?:[ -]?[0-9]){12,17})",
    _named_card,
    ("?card_number=30569309025904", '"pan":"6205500000000000004"'),
    "ISO/IEC 7812-1 (Luhn); ranges as in braintree/credit-card-type",
    identifies=True,
)
IBAN: Final = Pattern(
    "iban",
    "the number of a bank account, in capitals",
    "financial",
    START + rb"(?P<value>[A-Z]{2}[0-9]{2} ?(?:[0-9A-Z]{4} ?){2,7}[0-9A-Z]{1,4})",
    _account,
    ("?to=DE89370400440532013000", "from GB82 WEST 1234 5698 7654 32 to"),
    'ISO 13616 and the SWIFT "IBAN Registry" as in python-stdnum',
    identifies=True,
)
IBAN_NAMED: Final = Pattern(
    "iban-named",
    "a value that is called the number of a bank account",
    "financial",
    rb"(?i)iban[\"']{0,2} ?[=:] ?[\"']?(?P<value>[a-z]{2}[0-9]{2} ?(?:[0-9a-z]{4} ?){2,7}[0-9a-z]{1,4})",
    _account,
    ("?iban=de89370400440532013000",),
    'ISO 13616 and the SWIFT "IBAN Registry" as in python-stdnum',
    identifies=True,
)
