"""sslyze, the named peer for TLS: installed at one version into an environment of its own, and run on endpoints."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from tests.bench.measure import Cost, run

VERSION = "6.3.1"
FOLDER_VARIABLE = "UPHELD_BENCH_SSLYZE"
DEFAULT_FOLDER = Path(__file__).parents[2] / "build" / "bench-sslyze"
COMMANDS = ("--certinfo", "--sslv2", "--sslv3", "--tlsv1", "--tlsv1_1", "--tlsv1_2", "--tlsv1_3")
"""The certificate, and every version with its suites: less than the inspector looks at."""


class SslyzeError(RuntimeError):
    """sslyze could not be installed, or did not finish."""


def install() -> Path:
    """The `sslyze` command, installed first if it is not there. Raises SslyzeError with pip's last words."""
    folder = Path(os.environ.get(FOLDER_VARIABLE, DEFAULT_FOLDER))
    command = folder / "bin" / "sslyze"
    if command.exists():
        return command
    subprocess.run([sys.executable, "-m", "venv", folder], check=True)
    pip = [folder / "bin" / "python", "-m", "pip", "install", "--quiet", f"sslyze=={VERSION}"]
    done = subprocess.run(pip, check=False, capture_output=True, text=True)
    if done.returncode:
        raise SslyzeError(f"sslyze {VERSION} could not be installed: {done.stderr[-500:]}")
    return command


def scan(endpoints: Sequence[str], folder: Path) -> tuple[Cost, int]:
    """What it costs to scan `host:port` endpoints, and how many it has a result for."""
    targets, output = folder / "targets.txt", folder / "sslyze.json"
    targets.write_text("\n".join(endpoints) + "\n")
    command = [install(), *COMMANDS, "--mozilla_config=disable", f"--targets_in={targets}", f"--json_out={output}", "--quiet"]
    cost = run(command, folder=folder, environment={})
    if not output.exists():
        raise SslyzeError(f"sslyze ended with {cost.exit_code}; see {folder}: {(folder / 'stderr').read_text()[-500:]}")
    results = json.loads(output.read_text())["server_scan_results"]
    return cost, sum(one["scan_status"] == "COMPLETED" for one in results)


if __name__ == "__main__":
    print(install())
