"""The exit codes: the whole answer for a release pipeline."""

from __future__ import annotations

UPHELD, BROKEN, USAGE, UNPROVEN, INTERNAL, INTERRUPTED = 0, 1, 2, 3, 4, 130
