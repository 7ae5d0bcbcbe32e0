"""Many questions at one moment, and servers asked one by one: what a held load does not do."""

from __future__ import annotations

import json
import subprocess
from collections import Counter
from collections.abc import Iterable
from typing import Any

import httpx
from tests.cluster.kube import Manifest
from tools.cluster.inside import in_namespace

API_PORT = 8000
SECONDS = 30


def address_of(pod: Manifest) -> str:
    """Of the API of a search pod, past its Service."""
    return f"http://{pod['status']['podIP']}:{API_PORT}"


def begin_asking(url: str, question: str, times: int, key: str = "") -> subprocess.Popen[str]:
    """Asks the same at once by so many connections of their own; `statuses` waits for the answers."""
    address = httpx.URL(f"{url}/search", params={"q": question})
    each = ["--parallel", "--parallel-immediate", "--parallel-max", str(times), "--max-time", str(SECONDS)]
    shown = ["--silent", "--output", "/dev/null", "--write-out", "%{http_code}\\n"]
    header = ["--header", f"X-API-Key: {key}"] if key else []
    command = in_namespace(["curl", *each, *shown, *header, f"{address}#[1-{times}]"])  # the fragment only counts
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


def statuses(asking: subprocess.Popen[str]) -> dict[str, int]:
    """How often each status was answered; 000 is no answer."""
    told, _ = asking.communicate(timeout=SECONDS + 10)
    return dict(Counter(told.split()))


def answers(url: str, asked: Iterable[str]) -> list[dict[str, Any]]:
    """The answer to each question, one after the other. Fails where one is refused."""
    addresses = [str(httpx.URL(f"{url}/search", params={"q": question})) for question in asked]
    command = in_namespace(
        ["curl", "--silent", "--fail-early", "--fail", "--max-time", str(SECONDS), "--write-out", "\\n", *addresses]
    )
    told = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
    return [json.loads(line) for line in told.splitlines()]
