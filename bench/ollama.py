"""Ollama: a real one with the real all-minilm, on this machine for as long as it is measured.

Built once, in five minutes: `python3 tools/binaries.py ollama`. Its model is made of the weights that the local
embedder has, by the server itself, which converts them to 16-bit floats as those of its library.
"""

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from tools import binaries, minilm

from bench.errors import BenchFailed
from bench.processes import free_port, started
from bench.servers import status_of

START_SECONDS = 60.0
POLL_SECONDS = 0.05


def built_ollama() -> Path | None:
    """The program, or None where it was not built."""
    place = binaries.place("ollama")
    return place if place.exists() else None


@contextmanager
def ollama_with_minilm(program: Path, folder: Path, cores: Sequence[int]) -> Iterator[str]:
    """The URL of a server on those cores that has all-minilm; models and log are below the folder."""
    with free_port() as port:
        address, log = f"127.0.0.1:{port}", folder / "ollama.log"
    variables = {
        "OLLAMA_HOST": address,
        "OLLAMA_MODELS": str(folder / "ollama-models"),
        "OLLAMA_KEEP_ALIVE": "-1",  # or it would unload the model while the other sides are measured
        "HOME": str(folder),
    }
    command = ("sh", "-c", 'exec "$1" serve >"$2" 2>&1', "sh", str(program), str(log))
    with started(command, cores, variables) as process:
        deadline = time.monotonic() + START_SECONDS
        while not answers(address):
            if process.poll() is not None or time.monotonic() > deadline:
                raise BenchFailed(f"Ollama did not answer within {START_SECONDS:g} seconds: {log.read_text()[-1000:]}")
            time.sleep(POLL_SECONDS)
        minilm.create(f"http://{address}")
        yield f"http://{address}"


def answers(address: str) -> bool:
    try:
        return status_of(address, "/api/version") == 200
    except OSError:  # nobody listens yet
        return False
