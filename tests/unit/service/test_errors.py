"""What is told to those who ask: no path and no address of the inside."""

from pathlib import Path

import pytest

from clockifyrag_index.errors import EmbedderError, GenerationDamaged
from clockifyrag_service.errors import without_places
from clockifyrag_service.serving import reason


@pytest.mark.parametrize(
    ("said", "told"),
    [
        pytest.param(
            "Ollama at http://ollama.inside:11434 answered 500: out of memory; see the log of Ollama",
            "Ollama answered 500: out of memory; see the log of Ollama",
            id="address",
        ),
        pytest.param(
            "bge-m3 is not found at https://ollama.inside/base/; run `ollama pull bge-m3` there",
            "bge-m3 is not found; run `ollama pull bge-m3` there",
            id="address-of-another-path",
        ),
        pytest.param("peer http://[::1]:8/ (http://h.inside) is gone", "peer … (…) is gone", id="address-without-at"),
        pytest.param(
            "/models/all-minilm/config.json cannot be read ([Errno 2] No such file or directory: "
            "'/models/my model/config.json'); expected a model's configuration",
            "config.json cannot be read ([Errno 2] No such file or directory: 'config.json'); expected a model's "
            "configuration",
            id="paths",
        ),
        pytest.param("glossary /etc/a/terms.csv, line 3: empty", "glossary terms.csv, line 3: empty", id="path-amidst"),
        pytest.param("(/srv/index)", "(index)", id="path-in-brackets"),
        pytest.param("read 3/4 of ollama/ollama#15582 and/or a / b", None, id="no-paths"),
        pytest.param("the manifest's 'a' is 'b/c' and isn't 'd'", None, id="quotes"),
    ],
)
def test_paths_and_addresses_are_left_out_of_what_is_told(said: str, told: str | None) -> None:
    assert (said if told is None else told) == without_places(said)


def test_a_reason_names_files_of_the_generation_by_their_name_alone() -> None:
    folder = Path("/data/my index/generations/gen-0123456789ab")

    assert "meta.json: missing. Rebuild." == reason(GenerationDamaged(f"{folder}/meta.json: missing. Rebuild."), folder)
    assert "gen-0123456789ab: gone" == reason(GenerationDamaged(f"{folder}: gone"), folder)
    assert "config.json holds no JSON" == reason(EmbedderError("/models/config.json holds no JSON"), folder)
