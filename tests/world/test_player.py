"""A tape that is played below botocore answers as the emulator did, and with the same faults."""

from __future__ import annotations

import itertools
from typing import Any

import pytest
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    EndpointConnectionError,
)
from botocore.parsers import ResponseParserError

from tests.world.asking import METHODS, ONCE, SAMPLES, ask
from tests.world.faults import Fault, Kind
from tests.world.player import Player, Tape
from tests.world.proxy import FaultProxy
from tests.world.servers import session


def played(player: Player, service: str) -> Any:
    own: Any = session("http://127.0.0.1:9")
    found = own.client(service, config=ONCE)
    found.meta.events.register_first("before-send", player)
    return found


@pytest.mark.parametrize("service", SAMPLES)
def test_a_tape_answers_as_the_emulator_did(proxy: FaultProxy, tape: Tape, service: str) -> None:
    operation, params = SAMPLES[service]
    live = outcome(lambda: ask(proxy, service, METHODS[operation], **params))
    assert outcome(lambda: getattr(played(Player(tape), service), METHODS[operation])(**params)) == live


def outcome(ask_it: Any) -> Any:
    """What the SDK makes of a fault: an error's class and code, or the shape of the answer (times in it move on)."""
    try:
        answer = ask_it()
    except ClientError as error:
        return type(error).__name__, error.response["Error"]["Code"]
    except (BotoCoreError, ResponseParserError, KeyError) as error:
        return type(error).__name__  # botocore lets a KeyError out where a query answer has a foreign root
    return {name: len(value) if isinstance(value, list) else value for name, value in answer.items() if name != "ResponseMetadata"}


KINDS = [kind for kind in Kind if kind not in {Kind.TIMEOUT, Kind.UNREACHABLE, Kind.ERROR}]


@pytest.mark.parametrize(("service", "kind"), list(itertools.product(["ec2", "rds", "s3", "kms", "efs"], KINDS)))
def test_a_fault_is_the_same_over_the_network_and_below_botocore(proxy: FaultProxy, tape: Tape, service: str, kind: Kind) -> None:
    operation, params = SAMPLES[service]
    fault = Fault(service, operation, kind)
    proxy.inject(fault)
    player = Player(tape, [fault])
    over_network = outcome(lambda: ask(proxy, service, METHODS[operation], **params))
    below = outcome(lambda: getattr(played(player, service), METHODS[operation])(**params))
    assert below == over_network
    assert len(player.struck) == len(proxy.struck) == 1


def test_what_the_tape_does_not_know_is_unreachable_and_listed(tape: Tape) -> None:
    player = Player(tape)
    with pytest.raises(EndpointConnectionError):
        played(player, "ec2").describe_volumes()
    assert [call.operation for call in player.missed] == ["DescribeVolumes"]


def test_a_tape_survives_its_file(tape: Tape, tmp_path: Any) -> None:
    path = tmp_path / "tape.jsonl"
    tape.save(path)
    assert Tape.load(path).answers == tape.answers
