"""A process that records runs, and acknowledges each one on its output once it is in the ledger.

    python -m tests.ledger.writing FOLDER [--runs 1000] [--findings 40] [--url URL]

It goes on where the ledger ends. Exit code 2, with one line, where a run cannot be recorded.
"""

from __future__ import annotations

import argparse
import random
import sys
from pathlib import Path

from sqlalchemy import func, select

from agent.ledger import LedgerError, tables
from agent.ledger.evidence import Evidence
from tests.ledger.runs import append, begin, gone, run


def verdicts(number: int, findings: int) -> dict[str, str]:
    """What run `number` finds; some of it changes from run to run."""
    rng = random.Random(number)
    return {f"vol-{one}": rng.choice(["upheld", "upheld", "upheld", "broken", "unproven"]) for one in range(findings)}


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path)
    parser.add_argument("--runs", type=int, default=1000)
    parser.add_argument("--findings", type=int, default=40)
    parser.add_argument("--url")
    parser.add_argument("--evidence", type=Path, help="a folder to keep with each run")
    options = parser.parse_args()
    try:
        ledger, signer = begin(options.folder, options.url)
        ledger.ready(signer)
        with ledger.database.reading() as connection:
            done = connection.execute(select(func.count()).select_from(tables.runs)).scalar_one()
        evidence = Evidence(options.folder, 10**8)
        for number in range(done + 1, done + options.runs + 1):
            one = run(number, verdicts(number, options.findings), gone)
            entry = evidence.entry(evidence.pack(options.evidence, one.finished)) if options.evidence else {}
            recorded = append(ledger, signer, one, entry)
            sys.stdout.write(f"{recorded.number} {one.id} {recorded.head.head.root.hex()}\n")
            sys.stdout.flush()
    except LedgerError as error:
        print(f"upheld: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
