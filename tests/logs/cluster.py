"""A standalone cluster of Apache Spark on loopback: a master and a worker, as processes of their own."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from tests.world.servers import LOOPBACK, ServerError, free_port

START_SECONDS = 120.0
QUICK = "-XX:+UseSerialGC -XX:TieredStopAtLevel=1"
"""Java that is up soon: what runs for seconds is not worth compiling well."""
SETTINGS: Mapping[str, str] = {
    "spark.driver.extraJavaOptions": f"-Xss16m {QUICK}",
    "spark.executor.extraJavaOptions": f"-Xss16m {QUICK}",
    "spark.executor.memory": "512m",
    "spark.sql.shuffle.partitions": "2",
}
"""What sessions are given in tests."""


@dataclass(frozen=True)
class Cluster:
    url: str
    state: Callable[[], dict[str, Any]]
    """What the master says of itself: its workers, the applications that ran."""


@contextmanager
def cluster(*, workers: int = 1) -> Iterator[Cluster]:
    """A master and its workers on free ports, one core each; stopped at the end, whatever happens. Raises ServerError."""
    port, page = free_port(), free_port()
    url = f"spark://{LOOPBACK}:{port}"
    with TemporaryDirectory(prefix="spark-") as folder, ExitStack() as stack:
        master = ["org.apache.spark.deploy.master.Master", "--host", LOOPBACK, "--port", str(port), "--webui-port", str(page)]
        running = [stack.enter_context(_running(master, Path(folder), "master"))]
        for number in range(workers):
            worker = [
                "org.apache.spark.deploy.worker.Worker",
                "--host",
                LOOPBACK,
                "--port",
                str(free_port()),
                "--webui-port",
                str(free_port()),
            ]
            worker += ["--cores", "1", "--memory", "1g", "--work-dir", str(Path(folder) / f"work-{number}"), url]
            running.append(stack.enter_context(_running(worker, Path(folder), f"worker-{number}")))
        end = time.monotonic() + START_SECONDS
        while time.monotonic() < end and all(one.poll() is None for one in running):
            with suppress(OSError):
                if _state(page)["aliveworkers"] == workers:
                    break
            time.sleep(0.2)
        else:
            said = "\n".join(log.read_text(errors="replace")[-2000:] for log in sorted(Path(folder).glob("*.log")))
            raise ServerError(f"Spark did not start at {url}: {said}")
        yield Cluster(url, lambda: _state(page))


@contextmanager
def _running(command: list[str], folder: Path, name: str) -> Iterator[subprocess.Popen[bytes]]:
    """A Spark process and what it starts, which are ended together."""
    found = find_spec("pyspark")
    if found is None or found.origin is None:
        raise ServerError("pyspark is not installed: make .venv/tools")
    home = Path(found.origin).parent
    environment = {
        **os.environ, "SPARK_HOME": str(home), "SPARK_LOCAL_IP": LOOPBACK, "SPARK_DAEMON_MEMORY": "256m", "SPARK_DAEMON_JAVA_OPTS": QUICK,
        "SPARK_LOCAL_DIRS": str(folder), "SPARK_CONF_DIR": str(folder),
    }  # fmt: skip
    with (folder / f"{name}.log").open("wb") as log:
        process = subprocess.Popen(
            [str(home / "bin" / "spark-class"), *command], env=environment, cwd=folder, stdout=log, stderr=log, start_new_session=True
        )
    try:
        yield process
    finally:
        _end(process)


def _end(process: subprocess.Popen[bytes]) -> None:
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGTERM)
    with suppress(subprocess.TimeoutExpired):
        process.wait(timeout=10)
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def _state(page: int) -> dict[str, Any]:
    with urllib.request.urlopen(f"http://{LOOPBACK}:{page}/json/", timeout=5) as answer:
        held: dict[str, Any] = json.load(answer)
    return held
