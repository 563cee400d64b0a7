"""The quoted sentences as resources of their own: whether each still stands in the text it was quoted from."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import replace

from checks.model import GLOBAL, Estate, Gap, Look, Reason, Resource, Scope, digest
from checks.promise import Promises, find_quote
from checks.summary import Text

SENTENCE = "policy.sentence"
_TLS = re.compile(r"\b(ssl|tls|https)(v?[0-9.]+)?\b", re.IGNORECASE)
_SSL = re.compile(r"\bssl(v?[0-9.]+)?\b", re.IGNORECASE)
_SIGNATURE = re.compile(r"\bsha-?[0-9]+[ -]?with[ -]?(rsa|ecdsa|dsa)(encryption)?\b", re.IGNORECASE)
_ENCRYPTS = re.compile(r"\b(en|de)crypt|\bscrambl|\bcipher", re.IGNORECASE)
_KEY_BITS = re.compile(r"\b(1024|2048|3072|4096|8192)[ -]?bits?\b", re.IGNORECASE)
_KEY = re.compile(r"\b(rsa|keys?|modul(us|i)|certificates?|diffie|dh|signatures?)\b", re.IGNORECASE)


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
        data = {"Quote": promise.quote, "File": policy.file, "Stands": line is not None, "Line": line, **terms(promise.quote)}
        resources.append(Resource(promise.id, SENTENCE, policy.id, GLOBAL, data, {}, (look.id,)))
    policies = {resource.account: () for resource in resources}
    manifest = replace(estate.manifest, scope=Scope(policies, (SENTENCE,)), asserted_complete_by=None)
    return Estate(manifest, {SENTENCE: tuple(resources)}, tuple(looks.values()), tuple(gaps))


def terms(quote: str) -> dict[str, bool]:
    """Which words of cryptography a sentence uses, and whether it says of them what cannot be.

    SSL is what TLS replaced (RFC 8996, RFC 7568). SHA256withRSA signs, and encrypts nothing (RFC 4055). A key of 2048 bits or
    more is one of RSA or Diffie-Hellman, and nothing that data is encrypted with (NIST SP 800-57 part 1, table 2).
    """
    signature, bits = _SIGNATURE.search(quote), _KEY_BITS.search(quote)
    return {
        "NamesTls": bool(_TLS.search(quote)),
        "NamesSsl": bool(_SSL.search(quote)),
        "NamesSignature": bool(signature),
        "SignatureEncrypts": bool(signature and _ENCRYPTS.search(_SIGNATURE.sub("", quote))),
        "NamesKeyBits": bool(bits),
        "KeyBitsEncrypt": bool(bits and not _KEY.search(_SIGNATURE.sub("", quote))),
    }
