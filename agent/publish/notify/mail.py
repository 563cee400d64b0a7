"""A message as one e-mail, handed in over TLS that is verified, or not at all.

SMTP submission is RFC 6409, STARTTLS RFC 3207, TLS from the first byte RFC 8314; `Auto-Submitted` keeps answering machines quiet
(RFC 3834, 5).
"""

from __future__ import annotations

import smtplib
import socket
import ssl
import textwrap
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from typing import Any, Final

from agent.config.notify import Mail
from agent.publish.notify import DeliveryError, wording
from agent.publish.notify.events import Event
from agent.publish.notify.outbox import Message
from agent.publish.notify.posting import limited, reason
from agent.publish.printable import printable

SECONDS: Final = 60
"""How long one attempt may take."""
_MOST: Final = 50


def letter(message: Message, mail: Mail) -> EmailMessage:
    """The same in every attempt."""
    events = wording.ordered(message.events)
    made = EmailMessage(SMTP)
    made["Subject"] = wording.head(events)
    made["From"] = mail.from_
    made["To"] = ", ".join(mail.to)
    made["Date"] = format_datetime(datetime.fromtimestamp(message.made, UTC))
    made["Message-ID"] = f"<{message.id}@{mail.from_.rpartition('@')[2]}>"
    made["Auto-Submitted"] = "auto-generated"
    made.set_content("\n".join(_lines(message, events)) + "\n")
    return made


def _lines(message: Message, events: Sequence[Event]) -> Iterator[str]:
    for event in events[:_MOST]:
        yield wording.title(event)
        for line in wording.body(event):
            yield from textwrap.wrap(line, 98, initial_indent="  ", subsequent_indent="    ", break_on_hyphens=False)
        yield ""
    if more := list(wording.rest(events[_MOST:])):
        yield from [*more, ""]
    yield f"message {message.id}"


def send(made: EmailMessage, mail: Mail, password: str | None, *, ca_file: str | None = None, seconds: float = SECONDS) -> str:
    """Hand it in, and give how that ended. Raises DeliveryError where nobody will get it."""
    held: list[smtplib.SMTP] = []
    try:
        context = ssl.create_default_context(cafile=ca_file) if mail.tls != "none" else None
        with limited(seconds, lambda: held[0].sock if held else None):
            return _handed_in(made, mail, password, context, held, seconds)
    except smtplib.SMTPRecipientsRefused as error:
        codes = [code for code, _ in error.recipients.values()]
        said = "; ".join(f"{name}: {code} {_said(text)}" for name, (code, text) in sorted(error.recipients.items()))
        raise DeliveryError(f"{mail.server} takes mail for none of its recipients: {said}", blocks=min(codes) < 500) from error
    except smtplib.SMTPResponseException as error:
        refused = error.smtp_code >= 500 and not isinstance(error, smtplib.SMTPAuthenticationError)
        raise DeliveryError(f"{mail.server} answered {error.smtp_code} {_said(error.smtp_error)}", blocks=not refused) from error
    except smtplib.SMTPNotSupportedError as error:
        raise DeliveryError(f"{mail.server}: {printable(error)}; nothing was sent") from error
    except (OSError, smtplib.SMTPException, UnicodeError) as error:
        raise DeliveryError(f"{mail.server}: {reason(error)}") from error
    finally:
        for one in held:
            one.close()


def _handed_in(
    made: EmailMessage, mail: Mail, password: str | None, context: ssl.SSLContext | None, held: list[smtplib.SMTP], seconds: float
) -> str:
    name, more = socket.gethostname(), {"context": context} if mail.tls == "implicit" else {}
    kind = _KnownTls if mail.tls == "implicit" else _Known
    server = kind(held, host=mail.host, port=mail.port, local_hostname=name, timeout=seconds, **more)
    if mail.tls == "starttls":
        server.starttls(context=context)
    if mail.user is not None and password is not None:
        server.login(mail.user, password)
    refused = server.send_message(made, mail.from_, list(mail.to))
    # It has been taken. What becomes of the goodbye makes no difference, and trying again would send it twice.
    return "handed in" + (f"; not taken for {', '.join(sorted(refused))}" if refused else "")


class _Known(smtplib.SMTP):
    """Known to whoever may end the conversation before it begins: making it waits for the greeting."""

    def __init__(self, held: list[smtplib.SMTP], **options: Any) -> None:
        self._held = held
        super().__init__(**options)

    def connect(self, host: str = "", port: int = 0, source_address: Any = None) -> tuple[int, bytes]:
        self._held.append(self)
        return super().connect(host, port, source_address)


class _KnownTls(_Known, smtplib.SMTP_SSL):
    """The same, under TLS from the first byte."""


def _said(text: bytes | str) -> str:
    return printable(text.decode("utf-8", "replace") if isinstance(text, bytes) else text)
