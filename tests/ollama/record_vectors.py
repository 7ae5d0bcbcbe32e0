"""Records what a real Ollama answers for the texts of texts.json, for tests that run where there is none.

Written next to this file: minilm_vectors.npy, float32 of shape (texts, 384), row i for text i in the order of
texts.json; and minilm_vectors.json, which says what made them and how many tokens the server counted in each text.
"""

import argparse
import datetime
import hashlib
import json
from pathlib import Path
from typing import Any

import httpx
import numpy as np

MODEL = "all-minilm"
DIMENSIONS = 384
HERE = Path(__file__).parent
TEXTS = HERE / "texts.json"
VECTORS = HERE / "minilm_vectors.npy"
RECORD = HERE / "minilm_vectors.json"


def main() -> None:
    """Record the vectors of all texts from the server of --url, and print how many."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--url", default="http://127.0.0.1:11434", help="the server (default: %(default)s)")
    arguments = parser.parse_args()

    texts: dict[str, str] = json.loads(TEXTS.read_text(encoding="utf-8"))
    with httpx.Client(base_url=arguments.url, timeout=300) as ollama:
        answers = {name: embedding(ollama, name, text) for name, text in texts.items()}
        origin = server(ollama)

    vectors = np.array([vector for vector, _ in answers.values()], dtype=np.float32)
    assert vectors.shape == (len(texts), DIMENSIONS), vectors.shape
    np.save(VECTORS, vectors, allow_pickle=False)
    record = {
        **origin,
        "recorded_on": datetime.datetime.now(datetime.UTC).date().isoformat(),
        "texts_sha256": hashlib.sha256(TEXTS.read_bytes()).hexdigest(),
        "tokens": {name: tokens for name, (_, tokens) in answers.items()},
    }
    RECORD.write_text(json.dumps(record, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    print(f"{len(texts)} vectors of {MODEL} from Ollama {origin['ollama_version']}")


def embedding(ollama: httpx.Client, name: str, text: str) -> tuple[list[float], int]:
    """The server's vector of `text`, of length 1, and the tokens it counted in it, the two special ones included.

    One text a request: the count is given for the whole request only. Nothing is cut off: a text over the model's
    limit ends the recording with the server's words, and `name` says which.
    """
    answer = ollama.post("/api/embed", json={"model": MODEL, "input": [text], "truncate": False})
    if not answer.is_success:
        raise SystemExit(f"text {name!r}: /api/embed answered {answer.status_code}: {answer.text}")
    body = answer.json()
    return body["embeddings"][0], body["prompt_eval_count"]


def server(ollama: httpx.Client) -> dict[str, str]:
    """The server's version, and the name and digest of the model as it lists them."""
    models: list[dict[str, Any]] = ollama.get("/api/tags").raise_for_status().json()["models"]
    digest = next(str(model["digest"]) for model in models if model["name"] == f"{MODEL}:latest")
    version = str(ollama.get("/api/version").raise_for_status().json()["version"])
    return {"ollama_version": version, "model": MODEL, "model_digest": digest}


if __name__ == "__main__":
    main()
