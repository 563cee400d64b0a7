"""The queues of changes that the configuration names, each with the identity that reads it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime

from agent.collect.aws.accounts import AwsTarget
from agent.collect.aws.client import Deadline
from agent.collect.changes.queue import ChangeQueue
from agent.collect.changes.sqs import SqsQueue
from agent.config import Configuration, ConfigurationError
from agent.config.values import plain


def queues(configuration: Configuration, deadline: Deadline, now: Callable[[], datetime]) -> Iterator[ChangeQueue]:
    """Nothing is asked yet. Raises ConfigurationError where an identity or a secret is not there."""
    for place, one in enumerate(configuration.settings.agent.changes):
        try:
            if one.sqs is not None:
                target = AwsTarget(one.sqs.role_account, one.sqs.role, plain(one.sqs.external_id))
                yield SqsQueue(target, one.sqs.queue, one.sqs.place, deadline, now)
            elif one.storage_queue is not None:
                from agent.collect.azure.identity import credential
                from agent.collect.changes.storage_queue import StorageQueue

                yield StorageQueue(one.storage_queue.queue, credential(one.storage_queue.credential), deadline, now)
        except ValueError as error:
            raise ConfigurationError(f"{configuration.place('agent', 'changes', place)}: {error}") from error
