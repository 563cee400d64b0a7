"""What sentences say of TLS that cannot be."""

from __future__ import annotations

import pytest

from checks.wording import terms


@pytest.mark.parametrize(
    ("quote", "said"),
    [
        ("The first connection is made over 2048 bit TLS, the rest over 256 bit SSL.", {"NamesTls", "NamesSsl", "NamesKeyBits", "KeyBitsEncrypt"}),
        ("Passwords are encrypted using SHA256withRSA algorithms, which scramble data.", {"NamesSignature", "SignatureEncrypts"}),
        ("Certificates are signed with SHA256withRSA.", {"NamesSignature"}),
        ("Our certificates have RSA keys of 2048 bits.", {"NamesKeyBits"}),
        ("All data is sent over HTTPS with TLS 1.2 or later.", {"NamesTls"}),
        ("SSLv3 is off.", {"NamesTls", "NamesSsl"}),
        ("Our vessel carries the missing parcels.", set()),
        ("Data at rest is encrypted with AES-256.", set()),
    ],
)  # fmt: skip
def test_a_sentence_is_taken_by_its_words(quote: str, said: set[str]) -> None:
    assert {name for name, held in terms(quote).items() if held} == said
