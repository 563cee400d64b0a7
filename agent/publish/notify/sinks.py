"""From the configuration to what sends messages: one sender for each entry of `agent.notify`."""

from __future__ import annotations

import socket
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from agent.config import Configuration, ConfigurationError
from agent.config.notify import MailSink, SlackSink, SyslogSink, TeamsSink, WebhookSink, address, name
from agent.publish.notify import mail, rfc5424, slack, teams, webhook
from agent.publish.notify.posting import post

if TYPE_CHECKING:
    from agent.config.notify import Sink
    from agent.publish.notify.events import Event
    from agent.publish.notify.outbox import Message

Send = Callable[["Message", int], str]
"""Sends a message at a time, in seconds since 1970, and gives how it went. Raises DeliveryError."""


@dataclass(frozen=True, slots=True)
class Sender:
    """A sink, and how it is reached. `part`: how many events one message takes, None for any number."""

    settings: Sink
    send: Send
    part: int | None = None

    @property
    def name(self) -> str:
        return name(self.settings)

    @property
    def digest(self) -> int:
        return self.settings.digest

    @property
    def deadline(self) -> int:
        return self.settings.deadline

    def wants(self, event: Event) -> bool:
        return event.occasion in self.settings.transitions


def senders(configuration: Configuration) -> list[Sender]:
    """Of every sink of the configuration, with its secrets read. Raises ConfigurationError for one that is not there."""
    made: list[Sender] = []
    for index, settings in enumerate(configuration.settings.agent.notify):
        where = configuration.place("agent", "notify", index)
        try:
            made.append(_sender(settings, configuration))
        except ValueError as error:
            raise ConfigurationError(f"{where}: {error}") from error
        if made[-1].name in {other.name for other in made[:-1]}:
            raise ConfigurationError(f"{where}: the same place stands in `notify` twice: put its transitions into one entry")
    return made


def _sender(settings: Sink, configuration: Configuration) -> Sender:
    match settings:
        case WebhookSink():
            return Sender(settings, _webhook(settings, _roots(settings.ca_file, configuration)), webhook.PART)
        case SlackSink():
            return Sender(settings, _posted(slack.body, address(settings.slack), _roots(settings.ca_file, configuration)))
        case TeamsSink():
            return Sender(settings, _posted(teams.body, address(settings.teams), _roots(settings.ca_file, configuration)))
        case MailSink():
            return Sender(settings, _mail(settings, _roots(settings.email.ca_file, configuration)))
        case SyslogSink():
            return Sender(settings, _syslog(settings))


def _roots(file: str | None, configuration: Configuration) -> str | None:
    return None if file is None else str(configuration.path(file))


def _webhook(settings: WebhookSink, ca_file: str | None) -> Send:
    url, secret = address(settings.webhook), webhook.key(settings.secret.read())

    def send(message: Message, now: int) -> str:
        body = webhook.body(message)
        return post(url, body, webhook.headers(message, body, secret, now), ca_file=ca_file)

    return send


def _posted(body: Callable[[Message], bytes], url: str, ca_file: str | None) -> Send:
    return lambda message, _: post(url, body(message), {"Idempotency-Key": message.id}, ca_file=ca_file)


def _mail(settings: MailSink, ca_file: str | None) -> Send:
    password = settings.email.password.read() if settings.email.password else None
    return lambda message, _: mail.send(mail.letter(message, settings.email), settings.email, password, ca_file=ca_file)


def _syslog(settings: SyslogSink) -> Send:
    host = socket.gethostname()
    return lambda message, _: rfc5424.send(
        [rfc5424.line(event, settings.facility, host, settings.enterprise) for event in message.events], settings.syslog
    )
