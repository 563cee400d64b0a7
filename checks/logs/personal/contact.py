"""How a person is reached: mailboxes and telephones."""

from __future__ import annotations

from typing import Final

import phonenumbers

from checks.logs.personal.pattern import START, Candidate, Pattern

_LOCAL: Final = 64
_DOMAIN: Final = 255
"""Bytes at most (RFC 5321, 4.5.3.1)."""
_BEFORE: Final = 256

_NO_DOMAINS: Final = frozenset(
    # names of files, logo@2x.png; without those that are countries too (md, py, rs, so)
    b"png jpg jpeg gif svg webp avif ico bmp css scss less js mjs cjs jsx ts tsx json map html htm xml txt csv pdf gz tar tgz jar war"
    b" php asp aspx jsp rb java class woff woff2 ttf otf eot mp3 mp4 yaml yml toml lock wasm exe dll"
    # units of systemd, getty@tty1.service (systemd.unit(5))
    b" service socket timer slice scope mount automount swap target device"
    # names that only hosts of a network of one's own have (RFC 6761; RFC 6762 and its appendix G; RFC 8375)
    b" local localdomain localhost lan internal home arpa invalid consul cluster".split()
)
"""Last labels after which this is a file, a unit or a host, and no mailbox."""
_MACHINES: Final = b".gserviceaccount.com"
"""Where Google Cloud's service accounts are: "an account for an application or a virtual machine instance, not a person"
(IAM API reference, ServiceAccount)."""


def _mailbox(candidate: Candidate) -> bytes | None:
    value = candidate.value
    local, _, domain = value.rpartition(b"@")
    labels = domain.split(b".")
    if labels[-1].lower() in _NO_DOMAINS or len(local) > _LOCAL or len(domain) > _DOMAIN:
        return None
    if b".." in local or local[-1:] == b"." or any(not one or one[:1] == b"-" or one[-1:] == b"-" for one in labels):
        return None
    if domain.lower().endswith(_MACHINES) or (len(labels) > 2 and labels[0].isdigit() and labels[1].isdigit()):
        return None  # a version: swiper@11.0.min
    if candidate.text[candidate.start - 1 : candidate.start] == b"%" or _logs_in(candidate):
        return None
    return value.lower()


def _logs_in(candidate: Candidate) -> bool:
    """Whether this is who logs in to a host, and where: https://user:word@host, user@host:22, user@host:/srv, git@host:path."""
    before = candidate.text[max(0, candidate.start - _BEFORE) : candidate.start].translate(_BREAKS).rpartition(b" ")[2]
    _, scheme, rest = before.rpartition(b"://")
    if scheme and b"/" not in rest:
        return True
    after = candidate.text[candidate.end : candidate.end + 2]
    return len(after) == 2 and after[:1] == b":" and (after[1] in b"0123456789/~" or candidate.value.startswith(b"git@"))


_BREAKS: Final = bytes.maketrans(b"\n\"'<>=&?,;|", b" " * 11)
"""What no address goes on after."""


EMAIL: Final = Pattern(
    "email",
    "a mailbox",
    "contact",
    rb"(?P<value>[0-9A-Za-z_\x80-\xff][0-9A-Za-z._+'\x80-\xff-]*@[0-9A-Za-z\x80-\xff-]+(?:\.[0-9A-Za-z\x80-\xff-]+)*\.(?:[A-Za-z\x80-\xff]{2,}|xn--[0-9A-Za-z-]+))",
    _mailbox,
    ("/u?to=marker.person@upheld.example", "marker+tag@mail.upheld.example"),
    'RFC 5321, "Mailbox"; RFC 6531 for what is not ASCII',
    identifies=True,
)

_SHORTEST: Final = 8
"""A plus sign and seven digits: shorter numbers are possible, and rare."""
_PHONE_NAMES: Final = rb"phone|phone_?number|phone_?no|telephone|mobile|mobile_?number|mobile_?no|cell_?phone|msisdn"


def _international(candidate: Candidate) -> bytes | None:
    return next(filter(None, (_valid(one.value.decode("ascii"), None) for one in candidate.shorter(_SHORTEST))), None)


def _north_american(candidate: Candidate) -> bytes | None:
    return _valid(candidate.value.decode("ascii"), "US") if candidate.ends else None


_COUNTRIES: Final = (None, "VN", "TH", "CN", "US", "AT", "BE", "BG", "CY", "CZ", "DE", "DK", "EE", "ES", "FI", "FR", "GR", "HR", "HU", "IE", "IT", "LT",
                     "LU", "LV", "MT", "NL", "PL", "PT", "RO", "SE", "SI", "SK")  # fmt: skip
"""Whose national numbers are known for one under a name that says it is a telephone's: those whose ids are known, too."""


def _named(candidate: Candidate) -> bytes | None:
    """With its country code, or as it is dialled within one of the countries: which of them is not told, and it is somebody's all the same."""
    if not candidate.ends:
        return None
    text = candidate.value.decode("ascii")
    return next(filter(None, (_valid(text if region else "+" + text.removeprefix("00"), region) for region in _COUNTRIES)), None)


def _valid(text: str, region: str | None) -> bytes | None:
    try:
        number = phonenumbers.parse(text, region)
    except phonenumbers.NumberParseException:
        return None
    if not (phonenumbers.is_possible_number(number) and phonenumbers.is_valid_number(number)):
        return None
    return str(phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)).encode()


PHONE: Final = Pattern(
    "phone",
    "a telephone number with its country code",
    "contact",
    rb"[^0-9A-Za-z+](?P<value>\+[1-9](?:(?: ?\(0?\) ?|[ ()./-]{0,2})[0-9]){6,14})",
    _international,
    ("tel +49 30 901820", "/call/+442079460018"),
    'ITU-T E.164; E.123 for how it is written; numbering plans as in "libphonenumber"',
    identifies=True,
)
PHONE_NANP: Final = Pattern(
    "phone-nanp",
    "a telephone number as it is written in North America",
    "contact",
    START + rb"(?P<value>(?:\([2-9][0-9]{2}\) ?|[2-9][0-9]{2}-)[2-9][0-9]{2}-[0-9]{4})",
    _north_american,
    ("call (202) 456-1414", "n=212-736-5000"),
    'North American Numbering Plan; "libphonenumber"',
    identifies=True,
)
PHONE_NAMED: Final = Pattern(
    "phone-named",
    "digits that are called a telephone number",
    "contact",
    rb"(?i)[^0-9A-Za-z](?P<name>" + _PHONE_NAMES + rb")[\"']{0,2} ?[=:] ?[\"']?(?P<value>0{0,2}[1-9][0-9]{7,14})",
    _named,
    ("?phone=4930901820", '{"msisdn":"447400123456"}', "?mobile=0912345678", "?phone=13812345678"),
    'ITU-T E.164; "libphonenumber"',
    identifies=True,
)
