"""Numbers that states give to people.

Nearly every check digit lets one number in ten or eleven pass. So a number by itself counts only where fewer than one in a
thousand of its length pass (CN, FR; a test measures it) or where it is written as little else is: with its hyphens and dots (US,
which has no check digit, TH, BE, FI), or with letters in their places (IT). All others count only under a name that says
what they are.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final

from stdnum.at import vnr
from stdnum.be import nn
from stdnum.bg import egn
from stdnum.cn import ric
from stdnum.cz import rc
from stdnum.de import idnr
from stdnum.dk import cpr
from stdnum.ee import ik
from stdnum.es import dni, nie
from stdnum.fi import hetu
from stdnum.fr import nir
from stdnum.gr import amka
from stdnum.hr import oib
from stdnum.ie import pps
from stdnum.it import codicefiscale
from stdnum.lt import asmens
from stdnum.lv import pvn
from stdnum.nl import bsn
from stdnum.pl import pesel
from stdnum.pt import cc, nif
from stdnum.ro import cnp
from stdnum.se import personnummer
from stdnum.si import emso
from stdnum.th import pin
from stdnum.us import ssn

from checks.logs.personal.pattern import START, Candidate, Pattern

Valid = Callable[[str], bool]


def _vietnamese(text: str) -> bool:
    """Twelve digits without a check digit: province or country of birth (3), century and sex, year (2), serial (6).

    The century's digit is 0 or 1 for 1900 to 1999, 2 or 3 for 2000 to 2099. Source: Decree 137/2015/ND-CP, article 13;
    Circular 07/2016/TT-BCA.
    """
    return len(text) == 12 and text.isdigit() and text[3] in "0123" and text[:3] != "000"


_CHECK_DIGITS: Final[tuple[Valid, ...]] = tuple(
    module.is_valid
    for module in (
        vnr, nn, egn, ric, rc, idnr, cpr, ik, dni, nie, hetu, nir, amka, oib, pps, codicefiscale, asmens, pvn, bsn, pesel, cc, nif, cnp,
        personnummer, emso, pin,
    )
)  # fmt: skip
"""Of all countries. Not known to python-stdnum for people: Cyprus, Hungary, Luxembourg, Malta; Slovakia's are the Czech ones."""
_BY_NAME: Final[Mapping[str, tuple[Valid, ...]]] = MappingProxyType({
    "cccd": (_vietnamese,), "cmnd": (_vietnamese,), "can_cuoc": (_vietnamese,),
    "thai_id": (pin.is_valid,),
    "ssn": (ssn.is_valid,), "social_security": (ssn.is_valid,),
    "sv_nr": (vnr.is_valid,), "sozialversicherung": (vnr.is_valid,),
    "rijksregister": (nn.is_valid,), "insz": (nn.is_valid,), "niss": (nn.is_valid,),
    "egn": (egn.is_valid,),
    "rodne_cislo": (rc.is_valid,),
    "steuer_id": (idnr.is_valid,), "id_nr": (idnr.is_valid,),
    "cpr": (cpr.is_valid,),
    "isikukood": (ik.is_valid,),
    "dni": (dni.is_valid,), "nie": (nie.is_valid,),
    "hetu": (hetu.is_valid,), "henkilotunnus": (hetu.is_valid,),
    "nir": (nir.is_valid,),
    "amka": (amka.is_valid,),
    "oib": (oib.is_valid,),
    "pps": (pps.is_valid,), "ppsn": (pps.is_valid,),
    "codice_fiscale": (codicefiscale.is_valid,),
    "asmens_kodas": (asmens.is_valid,),
    "personas_kods": (pvn.is_valid,),
    "bsn": (bsn.is_valid,), "burgerservice": (bsn.is_valid,),
    "pesel": (pesel.is_valid,),
    "cartao_cidadao": (cc.is_valid,), "nif": (nif.is_valid, dni.is_valid),
    "cnp": (cnp.is_valid,),
    "personnummer": (personnummer.is_valid,),
    "emso": (emso.is_valid,),
    **dict.fromkeys(("national_id", "personal_id", "personal_code", "citizen_id", "identity", "id", "id_card"), _CHECK_DIGITS),
})  # fmt: skip
"""What a number is called, and which checks make it one; an underscore may be a hyphen, or left out.

Under a name that says no country it must have some country's check digit: those of VN and US have none.
"""
_NEEDS_MORE: Final = frozenset({"id", "identity"})
"""Names that say it only with `number` behind them."""


def _regex_of(name: str) -> str:
    return name.replace("_", "[_-]?") + ("[_-]?number" if name in _NEEDS_MORE else "")


_NAMES: Final = "|".join(map(_regex_of, sorted(_BY_NAME, key=len, reverse=True))).encode()
_CHECKS: Final = {name.replace("_", "").encode(): checks for name, checks in _BY_NAME.items()}


def _named(candidate: Candidate) -> bytes | None:
    if not candidate.ends:
        return None
    text = candidate.value.decode("ascii")
    name = candidate.name.replace(b"-", b"").replace(b"_", b"")
    return _canonical(candidate.value) if any(check(text) for check in _CHECKS[name.removesuffix(b"number")]) else None


def _canonical(value: bytes) -> bytes:
    return bytes(byte for byte in value.upper() if byte not in b" -./+")


def _alone(check: Valid) -> Callable[[Candidate], bytes | None]:
    def accept(candidate: Candidate) -> bytes | None:
        return _canonical(candidate.value) if candidate.ends and check(candidate.value.decode("ascii")) else None

    return accept


def _born(text: str) -> bool:
    """The same, of somebody who may be alive: identifiers of 18 digits may carry any year."""
    return ric.is_valid(text) and 1900 <= int(text[6:10]) < 2100


NAMED: Final = Pattern(
    "national-id-named",
    "a number that is called a national one and passes its check (VN, TH, CN, US, members of the EU)",
    "national-id",
    rb"(?i)[^0-9A-Za-z](?P<name>"
    + _NAMES
    + rb")(?:[_-]?(?:number|nummer|no|nr))?[\"'\]]{0,3} ?[=:] ?[\"']?(?P<value>[0-9A-Za-z][0-9A-Za-z./+-]{6,17}[0-9A-Za-z])",
    _named,
    ("?ssn=536904399", '{"cccd":"001099012345"}', "?pesel=44051401359"),
    "python-stdnum, modules of the countries; Vietnam: Decree 137/2015/ND-CP, article 13",
    identifies=True,
)
US: Final = Pattern(
    "national-id-us",
    "a Social Security number, with its hyphens",
    "national-id",
    START + rb"(?P<value>[0-8][0-9]{2}-[0-9]{2}-[0-9]{4})",
    _alone(ssn.is_valid),
    ("/claims/536-90-4399",),
    'python-stdnum, "stdnum.us.ssn"',
    identifies=True,
)
CN: Final = Pattern(
    "national-id-cn",
    "a resident identity card number",
    "national-id",
    START + rb"(?P<value>[1-9][0-9]{5}(?:19|20)[0-9]{2}[01][0-9][0-3][0-9]{4}[0-9Xx])",
    _alone(_born),
    ("?q=360426199101010071",),
    'python-stdnum, "stdnum.cn.ric" (GB 11643)',
    identifies=True,
)
TH: Final = Pattern(
    "national-id-th",
    "a personal identification number, with its hyphens",
    "national-id",
    START + rb"(?P<value>[1-8]-[0-9]{4}-[0-9]{5}-[0-9]{2}-[0-9])",
    _alone(pin.is_valid),
    ("?q=3-1006-00445-63-5",),
    'python-stdnum, "stdnum.th.pin"',
    identifies=True,
)
FR: Final = Pattern(
    "national-id-fr",
    "a number of the national directory (NIR)",
    "national-id",
    START + rb"(?P<value>[12] ?[0-9]{2} ?(?:0[1-9]|1[0-2]) ?[0-9][0-9AB] ?[0-9]{3} ?[0-9]{3} ?[0-9]{2})",
    _alone(nir.is_valid),
    ("?q=295109912611193", "2 95 10 99 126 111 93"),
    'python-stdnum, "stdnum.fr.nir"',
    identifies=True,
)
IT: Final = Pattern(
    "national-id-it",
    "a codice fiscale",
    "national-id",
    START + rb"(?P<value>(?i:[a-z]{6}[0-9]{2}[a-ehlmprst][0-9]{2}[a-z][0-9]{3}[a-z]))",
    _alone(codicefiscale.is_valid),
    ("?q=RCCMNL83S18D969H",),
    'python-stdnum, "stdnum.it.codicefiscale"',
    identifies=True,
)
BE: Final = Pattern(
    "national-id-be",
    "a national register number, with its dots",
    "national-id",
    START + rb"(?P<value>[0-9]{2}\.[0-9]{2}\.[0-9]{2}-[0-9]{3}\.[0-9]{2})",
    _alone(nn.is_valid),
    ("?q=85.07.30-033.28",),
    'python-stdnum, "stdnum.be.nn"',
    identifies=True,
)
FI: Final = Pattern(
    "national-id-fi",
    "a personal identity code",
    "national-id",
    START + rb"(?P<value>[0-3][0-9][01][0-9]{3}-[0-9]{3}[0-9A-FHJ-NPR-Y])",
    _alone(hetu.is_valid),
    ("?q=131052-308T",),
    'python-stdnum, "stdnum.fi.hetu"',
    identifies=True,
)
