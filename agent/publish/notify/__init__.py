"""Telling people and programs of transitions, and of nothing else: each once, and even where this program dies in between."""

from __future__ import annotations


class DeliveryError(Exception):
    """A message that did not arrive, and why, in one line without secrets.

    `after`: how long the receiver asks to be left alone, in seconds. `blocks`: whether what comes behind it has to wait, too; not
    where the receiver refuses this one message. `final`: whether it is of no use to try again.
    """

    def __init__(self, why: str, *, after: int = 0, blocks: bool = True, final: bool = False) -> None:
        super().__init__(why)
        self.after, self.blocks, self.final = after, blocks, final
