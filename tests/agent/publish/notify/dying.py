"""Processes that record a run, tell of it, and are killed on the way.

    python -m tests.agent.publish.notify.dying FOLDER

Each has a folder named after the step at which it ends, by SIGKILL: within the transaction, after it, while it sends (which is left
to the receiver), before the mark that the message was sent, or after that. Prints those that came to the end of the transaction.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from agent import config
from tests.agent.publish.notify.told import Told, result_of
from tests.ledger.runs import run

STEPS = ("transaction", "committed", "sending", "sent", "marked")


def die(*_: Any) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def then_die(first: Callable[..., Any]) -> Callable[..., Any]:
    def both(*given: Any) -> Any:
        first(*given)
        die()

    return both


def act(folder: Path, step: str) -> None:
    held = Told(folder, config.load(str(folder / "upheld.yaml"), {}))
    (sender,) = held.delivery.senders
    if step == "sent":
        held.delivery.senders = [replace(sender, send=then_die(sender.send))]
    one = run(0, {"vol-a": "broken"})
    also = held.delivery.put(result_of(one), {})
    held.ledger.append(one, held.signer, one.finished, {}, then_die(also) if step == "transaction" else also)
    if step == "committed":
        die()
    print(step, flush=True)
    (folder / "pid").write_text(str(os.getpid()))
    held.delivery.once()
    die()


def main(folder: Path) -> None:
    for step in STEPS:
        if (pid := os.fork()) == 0:  # all of them with what was imported once
            act(folder / step, step)
        _, status = os.waitpid(pid, 0)
        assert os.waitstatus_to_exitcode(status) == -signal.SIGKILL, step


if __name__ == "__main__":
    main(Path(sys.argv[1]))
