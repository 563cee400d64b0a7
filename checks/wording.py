"""The quoted sentences as resources of their own: whether each still stands in the text it was quoted from."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import replace

from checks.model import GLOBAL, Estate, Gap, Look, Reason, Resource, Scope, digest
from checks.promise import Promises, find_quote
from checks.summary import Text

SENTENCE = "policy.sentence"


def sentences(estate: Estate, promises: Promises, texts: Mapping[str, Text]) -> Estate:
    """An estate of nothing but the promises' sentences, at the given estate's time. A text that was not read is a gap."""
    resources: list[Resource] = []
    looks: dict[str, Look] = {}
    gaps: list[Gap] = []
    for promise in promises.promises:
        policy = promises.policy(promise.policy)
        if policy is None:
            continue
        text = texts[policy.id]
        if text.text is None:
            gaps.append(Gap(SENTENCE, policy.id, GLOBAL, promise.id, None, Reason.FAILED, "read", message=text.problem))
            continue
        sha256 = hashlib.sha256(text.text.encode("utf-8", "surrogatepass")).hexdigest()
        look = Look(digest(SENTENCE, policy.id), policy.id, GLOBAL, SENTENCE, "read", None, 1, 1, estate.manifest.finished, None, sha256)
        looks[look.id] = look
        line = find_quote(promise.quote, text.text)
        data = {"Quote": promise.quote, "File": policy.file, "Stands": line is not None, "Line": line}
        resources.append(Resource(promise.id, SENTENCE, policy.id, GLOBAL, data, {}, (look.id,)))
    policies = {resource.account: () for resource in resources}
    manifest = replace(estate.manifest, scope=Scope(policies, (SENTENCE,)), asserted_complete_by=None)
    return Estate(manifest, {SENTENCE: tuple(resources)}, tuple(looks.values()), tuple(gaps))
