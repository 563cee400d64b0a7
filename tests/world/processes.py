"""The processes that a test has started, as the kernel lists them."""

from __future__ import annotations

import os
from pathlib import Path


def children(of: int | None = None) -> list[int]:
    """The processes that run counting, below this one or another. Source: proc(5), /proc/pid/task/tid/children."""
    parent = of or os.getpid()
    listed = [int(one) for task in Path(f"/proc/{parent}/task").iterdir() for one in (task / "children").read_text().split()]
    return sorted(one for one in listed if b"spawn_main" in Path(f"/proc/{one}/cmdline").read_bytes())
