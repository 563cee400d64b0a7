"""Which kind of resource an ARN is of, in the names of AWS Config and CloudFormation.

No list says it for all of AWS. What is known: the catalogue's types (`kind`, as the tagging API writes it, and
`config`), and that most other services use one word for both, such as arn:aws:timestream:...:database/orders for
AWS::Timestream::Database.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from checks.catalogue import Catalogue

_ALIASES = {
    "airflow": "mwaa",
    "aoss": "opensearchserverless",
    "cognito-identity": "cognito",
    "cognito-idp": "cognito",
    "ds": "directoryservice",
    "elasticmapreduce": "emr",
    "geo": "location",
    "kinesisanalytics": "kinesisanalyticsv2",
    "mobiletargeting": "pinpoint",
    "profile": "customerprofiles",
    "states": "stepfunctions",
}
"""Services whose ARNs have another word than CloudFormation (Service Authorization Reference: service prefix of each)."""
_UNTYPED = {"codecommit": "repository", "s3": "bucket", "sns": "topic", "sqs": "queue"}
"""Services whose ARNs end in a bare name (Service Authorization Reference: resource types of each)."""
_ARN = re.compile(r"arn:[^:]*:(?P<service>[^:]+):[^:]*:[^:]*:(?P<resource>.+)", re.DOTALL)
Kinds = Mapping[tuple[str, str], frozenset[str]]
"""(Service, word) -> the kinds that it may be: an RDS cluster's ARN may be a DocumentDB cluster's."""


def known(catalogue: Catalogue, kinds: Iterable[str]) -> Kinds:
    """How the ARNs of the catalogue's types begin, and those of `kinds`, as far as one word serves for both."""
    found: dict[tuple[str, str], frozenset[str]] = {}
    for kind in kinds:
        if not kind.startswith("AWS::"):
            continue
        _, service, word = kind.split("::")
        found[_plain(service), _plain(word)] = frozenset({kind})
    for type_ in catalogue.values():
        if type_.kind and type_.config:
            service, _, word = type_.kind.partition(":")
            at = (_plain(service), _plain(word))
            found[at] = found.get(at, frozenset()) | frozenset(type_.config)
    return found


def kinds_of(arn: str, among: Kinds) -> list[frozenset[str]]:
    """What an ARN shows to exist: of each set at least one. A part's ARN names the whole it belongs to as well."""
    parts = _ARN.fullmatch(arn)
    if parts is None:
        return []
    service = parts["service"]
    names = {_plain(service), _plain(_ALIASES.get(service, service))}
    path = re.split("[/:]", parts["resource"].removeprefix("/"))
    words = [_UNTYPED[service]] if len(path) == 1 and service in _UNTYPED else path[:-1:2]
    found = [among.get((name, form)) for name in sorted(names) for word in map(_plain, words) for form in (word, word.removesuffix("s"))]
    return list(dict.fromkeys(kinds for kinds in found if kinds))


def _plain(word: str) -> str:
    return re.sub("[^a-z0-9]", "", word.lower())
