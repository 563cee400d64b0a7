"""A moto server of our own, and clients for it.

moto runs as a process, so that what is tested talks to it over HTTP, as it talks to AWS.
"""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import boto3
import botocore.loaders
import botocore.session
from botocore.config import Config
from botocore.loaders import Loader

ACCOUNT = "123456789012"
"""The account of credentials that moto did not hand out itself."""
LOOPBACK = "127.0.0.1"
CREDENTIALS = {
    "AWS_ACCESS_KEY_ID": "AKIAIOSFODNN7EXAMPLE",
    "AWS_SECRET_ACCESS_KEY": "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
}
"""The example credentials of AWS's own documentation, as environment variables."""
START_SECONDS = 60.0
ROLE = "upheld-reader"


class ServerError(RuntimeError):
    """The server did not start, or did not answer."""


@dataclass(frozen=True, slots=True)
class Moto:
    """A running moto server."""

    endpoint: str
    process: subprocess.Popen[bytes]

    def reset(self) -> None:
        """Forget every resource of every account."""
        post(f"{self.endpoint}/moto-api/reset")

    def seed(self, number: int) -> None:
        """Make the ids that moto draws from now on the same in each run."""
        post(f"{self.endpoint}/moto-api/seed?a={number}")


@contextmanager
def moto(*, environment: dict[str, str] | None = None) -> Iterator[Moto]:
    """A moto server on a free loopback port, with nothing in it; killed at the end, whatever happens.

    Raises ServerError where it does not answer within a minute; the message holds what it printed.
    """
    port = free_port()
    endpoint = f"http://{LOOPBACK}:{port}"
    settings = {"MOTO_EC2_LOAD_DEFAULT_AMIS": "false", "MOTO_PORT": str(port), **(environment or {})}
    command = [sys.executable, "-m", "moto.server", "-H", LOOPBACK, "-p", str(port)]
    with TemporaryDirectory(prefix="moto-") as folder:
        log = Path(folder) / "moto.log"
        with log.open("wb") as output:
            process = subprocess.Popen(command, env={**os.environ, **settings}, stdout=output, stderr=subprocess.STDOUT, cwd=folder)
        try:
            wait_until_it_answers(endpoint, process, log)
            yield Moto(endpoint, process)
        finally:
            stop(process)


def wait_until_it_answers(endpoint: str, process: subprocess.Popen[bytes], log: Path) -> None:
    end = time.monotonic() + START_SECONDS
    while time.monotonic() < end:
        if process.poll() is not None:
            break
        with suppress(urllib.error.URLError, ConnectionError, TimeoutError):
            urllib.request.urlopen(f"{endpoint}/moto-api/data.json", timeout=5).close()
            return
        time.sleep(0.05)
    message = f"moto did not answer at {endpoint}: {log.read_text(errors='replace')[-2000:]}"
    raise ServerError(message)


def stop(process: subprocess.Popen[bytes]) -> None:
    """End a process, politely and then not."""
    process.terminate()
    try:
        process.wait(timeout=5)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def free_port() -> int:
    """A loopback port that nothing listens on now."""
    with socket.socket() as probe:
        probe.bind((LOOPBACK, 0))
        return int(probe.getsockname()[1])


def post(url: str) -> None:
    request = urllib.request.Request(url, method="POST")
    urllib.request.urlopen(request, timeout=30).close()


def client(service: str, endpoint: str, region: str = "eu-central-1", *, account: str = ACCOUNT, config: Config | None = None) -> Any:
    """A boto3 client of the emulator that acts in `account`.

    moto acts in the account of the assumed role, whether or not the role exists.
    """
    own: Any = session(endpoint, account)
    return own.client(service, endpoint_url=endpoint, region_name=region, config=config)


def session(endpoint: str, account: str = ACCOUNT) -> boto3.Session:
    """A boto3 session that acts in `account`; the environment and its files play no part."""
    own = _session(CREDENTIALS["AWS_ACCESS_KEY_ID"], CREDENTIALS["AWS_SECRET_ACCESS_KEY"])
    if account == ACCOUNT:
        return own
    role = f"arn:aws:iam::{account}:role/{ROLE}"
    given = own.client("sts", endpoint_url=endpoint).assume_role(RoleArn=role, RoleSessionName="world")["Credentials"]
    return _session(given["AccessKeyId"], given["SecretAccessKey"], given["SessionToken"])


@cache
def _session(key: str, secret: str, token: str | None = None) -> boto3.Session:
    """One session for each set of credentials: a session reads botocore's models once."""
    own = botocore.session.Session()
    own.register_component("data_loader", _models())
    return boto3.Session(
        aws_access_key_id=key,
        aws_secret_access_key=secret,
        aws_session_token=token,
        region_name="eu-central-1",
        botocore_session=own,
    )


@cache
def _models() -> Loader:
    return botocore.loaders.create_loader()


def environment(endpoint: str, region: str = "eu-central-1") -> dict[str, str]:
    """What a program's environment needs so that its SDK talks to `endpoint` and to nothing else."""
    return {
        **CREDENTIALS,
        "AWS_ENDPOINT_URL": endpoint,
        "AWS_DEFAULT_REGION": region,
        "AWS_REGION": region,
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "AWS_EC2_METADATA_DISABLED": "true",
    }
