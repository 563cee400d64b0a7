"""Prowler, the named peer: installed at one version into an environment of its own, and run on the emulator.

python -m tests.bench.prowler            # install it, which takes minutes and 2.3 GB
"""

from __future__ import annotations

import csv
import os
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.bench.measure import PORT, Cost, measure
from tests.world.faults import Fault

VERSION = "5.46.0"
FOLDER_VARIABLE = "UPHELD_BENCH_PROWLER"
DEFAULT_FOLDER = Path(__file__).parents[2] / "build" / "bench-prowler"
PYTHONS = ("python3.13", "python3.12", "python3.11", "python3.10")
"""The interpreters it supports (Requires-Python: >=3.10,<3.14), the one that runs this before them."""
SERVICES = (
    "ec2", "vpc", "s3", "rds", "elbv2", "elb", "kms", "cloudtrail", "dynamodb", "sqs", "sns", "efs", "cloudwatch", "acm",
    "iam", "accessanalyzer",
)  # fmt: skip
FOUND_SOMETHING_WRONG = 3


class ProwlerError(RuntimeError):
    """Prowler could not be installed, or did not finish."""


@dataclass(frozen=True, slots=True)
class Scan:
    """One run: what it cost, and the status of each check for each resource."""

    cost: Cost
    statuses: Mapping[tuple[str, str], str]

    def per_check(self) -> dict[str, Counter[str]]:
        """Check -> how many resources have each status."""
        found: dict[str, Counter[str]] = {}
        for (check, _), status in self.statuses.items():
            found.setdefault(check, Counter())[status] += 1
        return found


def folder() -> Path:
    return Path(os.environ.get(FOLDER_VARIABLE, DEFAULT_FOLDER))


def install() -> Path:
    """The `prowler` command, installed first if it is not there. Raises ProwlerError with pip's last words."""
    command = folder() / "bin" / "prowler"
    if command.exists():
        return command
    python = _python()
    subprocess.run([python, "-m", "venv", folder()], check=True)
    pip: list[str | Path] = [folder() / "bin" / "python", "-m", "pip", "install", "--quiet", f"prowler=={VERSION}"]
    done = subprocess.run(pip, check=False, capture_output=True, text=True)
    if done.returncode:
        message = f"prowler {VERSION} could not be installed with {python}: {done.stderr[-500:]}"
        raise ProwlerError(message)
    return command


def _python() -> str:
    if (3, 10) <= sys.version_info[:2] < (3, 14):
        return sys.executable
    for name in PYTHONS:
        if found := shutil.which(name):
            return found
    message = f"prowler {VERSION} needs one of {', '.join(PYTHONS)}"
    raise ProwlerError(message)


def scan(upstream: str, into: Path, *, region: str, faults: Sequence[Fault] = ()) -> Scan:
    """Let it judge the emulator's estate. Raises ProwlerError where it stops with anything but its two answers."""
    into.mkdir(parents=True, exist_ok=True)
    command = [
        install(), "aws", "--services", *SERVICES, "--region", region, "--output-formats", "csv", "json-ocsf",
        "--output-directory", into / "output", "--output-filename", "scan", "--no-banner", "--no-color",
    ]  # fmt: skip
    cost = measure(command, upstream, folder=into, region=region, faults=faults)
    if cost.exit_code not in {0, FOUND_SOMETHING_WRONG}:
        message = f"prowler ended with {cost.exit_code}; see {into}"
        raise ProwlerError(message)
    return Scan(cost, dict(_statuses(into / "output" / "scan.csv")))


def _statuses(path: Path) -> Iterator[tuple[tuple[str, str], str]]:
    csv.field_size_limit(1 << 24)
    with path.open(newline="", encoding="utf-8") as file:
        for row in csv.DictReader(file, delimiter=";"):
            name = PORT.sub("127.0.0.1", row["RESOURCE_NAME"])  # a queue's URL holds the port of the proxy
            resource = f"{row['RESOURCE_UID']} {name} {row['REGION']}"
            yield (row["CHECK_ID"], resource), row["STATUS"]


if __name__ == "__main__":
    print(install())
