"""The glossary of a server: whatever an edit breaks, the last good one stays in use and the server goes on."""

from pathlib import Path

import pytest

from clockifyrag_index.glossary import Glossary
from clockifyrag_service import loading
from clockifyrag_service.loading import GlossaryFile


def surprised(path: Path) -> Glossary:
    """A reader with an error of its own."""
    raise ValueError("list.remove(x): x not in list")


def test_a_file_that_surprises_its_reader_leaves_the_last_good_glossary_until_it_is_mended(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "glossary.csv"
    path.write_text("term,aliases\nPTO,leave\n")
    file = GlossaryFile(path)
    file.refresh()
    good = file.glossary

    with monkeypatch.context() as broken:
        broken.setattr(loading, "load_glossary", surprised)
        file.refresh()
    during, problem = file.glossary, file.problem
    file.refresh()

    assert ((("PTO", "leave"),), good) == (during.groups, during)
    assert problem == "list.remove(x): x not in list"
    assert file.problem is None
