"""Whom to trust: certificates from files."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from cryptography.x509 import Certificate

from agent.config import ConfigurationError
from checks.tls.certificate import Roots, load_roots


def roots(public: Path | None, private: Iterable[Path]) -> Roots:
    """The certificates that are trusted: the public store, or what stands in for it, and an organization's own.

    Raises ConfigurationError for a file that holds none.
    """
    if public is None:
        import certifi

        public = Path(certifi.where())
    return Roots(_roots(public), tuple(one for file in private for one in _roots(file)))


def _roots(file: Path) -> tuple[Certificate, ...]:
    try:
        return load_roots(file.read_bytes())
    except OSError as error:
        raise ConfigurationError(f"{file}: cannot be read: {error.strerror}") from error
    except ValueError as error:
        raise ConfigurationError(f"{file}: holds no certificate in PEM that can be read: {error}") from error
