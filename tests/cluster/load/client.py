"""The process that asks: `python -m tests.cluster.load URL RATE FILE MANNER`, until SIGTERM.

A line of JSON for every question, once it is answered or failed. Every second question comes by a new connection, as
half the clients of a service are new to it.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import json
import secrets
import signal
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TextIO
from urllib.parse import urlsplit

import aiohttp

SAMPLE = Path(__file__).parents[3] / "index-builder" / "clockifyrag_builder" / "sample" / "questions.jsonl"
QUESTIONS = 40
DEADLINE_SECONDS = 10.0
KNOWN_SECONDS, LOOK_SECONDS = 3.0, 0.05

Sessions = tuple[aiohttp.ClientSession, ...]


@dataclass(frozen=True)
class Manner:
    """How it is asked."""

    key: str = ""  # API key; empty where none is needed
    new: bool = False  # words that nobody asked before: neither answer nor vector is kept from earlier


def questions() -> list[str]:
    """The fixed set that is asked in turn."""
    lines = SAMPLE.read_text().splitlines()[:QUESTIONS]
    return [json.loads(line)["query"] for line in lines]


def fingerprint(answer: dict[str, Any]) -> str:
    """What must be the same whoever answers from the same generation: results, their order, scores and texts."""
    told = {key: answer["metadata"][key] for key in ("query_type", "corrected_query", "low_confidence", "degraded")}
    content = json.dumps([answer["results"], told], sort_keys=True)
    return hashlib.sha256(content.encode()).hexdigest()[:16]


class Unanswered(aiohttp.ClientError):
    """A connection ended before the answer."""


async def once(request: aiohttp.ClientRequest, handler: aiohttp.ClientHandlerType) -> aiohttp.ClientResponse:
    """A middleware: aiohttp asks a second time where a connection ends before the answer, and tells nobody."""
    try:
        return await handler(request)
    except aiohttp.ClientConnectorError:  # refused: never asked again, and told as it is
        raise
    except (aiohttp.ClientOSError, aiohttp.ServerDisconnectedError) as error:
        raise Unanswered(repr(error)) from error


async def main(url: str, rate: float, file: Path, manner: Manner) -> None:
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    await known(url)
    with file.open("w", buffering=1) as history:
        async with session(url, manner) as kept, session(url, manner, force_close=True) as new:
            await ask_at(rate, (kept, new), history, stop, manner)


def session(url: str, manner: Manner, force_close: bool = False) -> aiohttp.ClientSession:
    """Asks each question once, by connections that are kept, or by a new one each."""
    return aiohttp.ClientSession(
        url,
        timeout=aiohttp.ClientTimeout(total=DEADLINE_SECONDS),
        headers={"X-API-Key": manner.key} if manner.key else {},
        connector=aiohttp.TCPConnector(limit=0, force_close=force_close),
        middlewares=[once],
    )


async def known(url: str) -> None:
    """Returns once a connection is accepted: kube-proxy learns a second after the operator that pods are ready.

    Raises TimeoutError where none is accepted.
    """
    address = urlsplit(url)
    async with asyncio.timeout(KNOWN_SECONDS):
        while True:
            with contextlib.suppress(OSError):
                _, writer = await asyncio.open_connection(address.hostname, address.port or 80)
                writer.close()
                return
            await asyncio.sleep(LOOK_SECONDS)


async def ask_at(rate: float, sessions: Sessions, history: TextIO, stop: asyncio.Event, manner: Manner) -> None:
    """Sends questions at the rate, whether or not earlier ones are answered; returns once all are."""
    asked, begin, fixed = 0, time.monotonic(), questions()
    open_questions: set[asyncio.Task[None]] = set()
    while not stop.is_set():
        wait = begin + asked / rate - time.monotonic()
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(stop.wait(), max(0.0, wait))
            break
        told = f"{fixed[asked % QUESTIONS]} {secrets.token_hex(4)}" if manner.new else fixed[asked % QUESTIONS]
        task = asyncio.create_task(ask(sessions[asked % 2], asked % QUESTIONS, told, asked, history))
        open_questions.add(task)
        task.add_done_callback(open_questions.discard)
        asked += 1
    await asyncio.gather(*open_questions)


async def ask(session: aiohttp.ClientSession, which: int, words: str, number: int, history: TextIO) -> None:
    # A third is not taken from the cache: a pod that only repeats itself would hide that it cannot search.
    parameters = {"q": words, "cache": "false" if number % 3 == 0 else "true"}
    told: dict[str, Any] = {"number": number, "question": which, "at": time.time()}
    begin = time.monotonic()
    try:
        async with session.get("/search", params=parameters) as response:
            body = await response.read()
            told["status"] = response.status
            if response.status == 200:
                answer = json.loads(body)
                told["generation"] = answer["metadata"]["index_generation"]
                told["pod"] = answer["metadata"]["request_id"].partition("-")[0]
                told["degraded"] = answer["metadata"]["degraded"]
                told["fingerprint"] = fingerprint(answer)
            else:
                told["error"] = body.decode(errors="replace")[:300]
                told["retry_after"] = response.headers.get("Retry-After", "")
    except Exception as error:  # also of a 200 whose body is no answer: a question without a line would not be missed
        told |= {"status": 0, "error": repr(error)}
    told["seconds"] = round(time.monotonic() - begin, 4)
    history.write(json.dumps(told) + "\n")
