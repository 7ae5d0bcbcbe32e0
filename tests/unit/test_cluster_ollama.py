"""What the image of Ollama is made of, where models are kept, and which files make one."""

import json
from pathlib import Path

import pytest
import yaml
from tools import minilm
from tools.cluster import ollama
from tools.cluster.node import Cluster

LDD = """\
\tlinux-vdso.so.1 (0x00007ffd4f7f5000)
\tlibstdc++.so.6 => /lib/x86_64-linux-gnu/libstdc++.so.6 (0x00007f2c5d400000)
\tlibc.so.6 => /lib/x86_64-linux-gnu/libc.so.6 (0x00007f2c5d21f000)
\t/lib64/ld-linux-x86-64.so.2 (0x00007f2c5d7a1000)
"""


def test_the_image_holds_the_loader_and_what_it_loads() -> None:
    found = ollama.linked(LDD)

    libraries = [f"/lib/x86_64-linux-gnu/{name}" for name in ("libstdc++.so.6", "libc.so.6")]
    assert [*libraries, "/lib64/ld-linux-x86-64.so.2"] == found


def test_a_library_that_is_missing_is_named() -> None:
    with pytest.raises(FileNotFoundError, match=r"linked with libgomp.so.1, not found"):
        ollama.linked(f"{LDD}\tlibgomp.so.1 => not found\n")


def test_the_registry_answers_nodes_alone_and_keeps_everything_in_the_folder_of_the_cluster(tmp_path: Path) -> None:
    cluster = Cluster(tmp_path)

    config = yaml.safe_load(ollama.configuration(cluster))

    assert "10.210.0.1:5000" == config["http"]["addr"]
    assert Path(config["storage"]["filesystem"]["rootdirectory"]).is_relative_to(cluster.folder)


def test_what_a_killed_run_copied_halfway_is_not_taken_for_a_copy(tmp_path: Path) -> None:
    source, target = tmp_path / "source", tmp_path / "target"
    (source / "repositories").mkdir(parents=True)
    (tmp_path / ".target.unfinished" / "half").mkdir(parents=True)

    ollama.copy(source, target)

    assert ["repositories"] == [folder.name for folder in target.iterdir()]
    assert {"source", "target"} == {folder.name for folder in tmp_path.iterdir()}


def test_a_folder_that_lacks_files_of_the_model_is_refused_with_their_names(tmp_path: Path) -> None:
    for name in minilm.FILES[1:-1]:
        (tmp_path / name).touch()

    with pytest.raises(minilm.NotTaken, match=r"has no 1_Pooling/config.json, vocab.txt; name the folder"):
        minilm.file_digests(tmp_path)


def test_weights_of_another_model_are_refused(tmp_path: Path) -> None:
    (tmp_path / "1_Pooling").mkdir()
    for name in minilm.FILES:
        (tmp_path / name).write_text(json.dumps({}))

    with pytest.raises(minilm.NotTaken, match=r"model.safetensors has sha256:44136f.*, expected sha256:53aa51"):
        minilm.file_digests(tmp_path)
