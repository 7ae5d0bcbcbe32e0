"""A volume without room for another generation: those that are to go anyway make it.

A file system of a given size needs the right to mount one, so `free bytes` is replaced by a quota less what is there.
"""

from collections.abc import Callable
from pathlib import Path

import pytest
from folders import written
from progress import silent

from clockifyrag_builder.build import build
from clockifyrag_builder.plan import BuildPlan
from clockifyrag_builder.segments import segment_bytes
from clockifyrag_index import disk
from clockifyrag_index.errors import NoSpace, StorageError
from clockifyrag_index.files import remove_tree
from clockifyrag_index.layout import Layout


def kept_bytes(root: Path) -> int:
    return sum(file.stat().st_size for file in Layout(root).generations.rglob("*") if file.is_file())


@pytest.fixture
def full(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, plan_of: Callable[..., BuildPlan]) -> tuple[Path, str]:
    """A root whose volume holds one generation and no second, and that generation."""
    root = tmp_path / "root"
    docs = written(tmp_path / "before", {"a.md": "# Timer\n\nStart the timer.\n"})
    first = build(plan_of(docs, root, publish=False), silent).generation
    assert first is not None
    quota = kept_bytes(root) + 100
    monkeypatch.setattr(disk, "_free_bytes", lambda _: quota - kept_bytes(root))
    return root, first


@pytest.fixture
def changed(tmp_path: Path) -> Path:
    return written(tmp_path / "after", {"a.md": "# Timer\n\nStop the timer.\n"})


def test_what_is_to_go_makes_room_for_the_new_generation(
    full: tuple[Path, str], changed: Path, plan_of: Callable[..., BuildPlan]
) -> None:
    root, first = full

    outcome = build(plan_of(changed, root, publish=False, remove=(first,)), silent)

    assert ("Built", (first,)) == (outcome.result, outcome.removed)
    assert [outcome.generation] == Layout(root).generation_ids()


def test_where_nothing_is_to_go_nothing_goes(
    full: tuple[Path, str], changed: Path, plan_of: Callable[..., BuildPlan]
) -> None:
    root, first = full

    with pytest.raises(NoSpace, match="bytes are free"):
        build(plan_of(changed, root, publish=False), silent)

    assert [first] == Layout(root).generation_ids()


@pytest.mark.parametrize("known", [False, True], ids=["while texts are read", "before any is embedded"])
def test_room_is_asked_for_the_vectors_that_the_cache_will_get(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, plan_of: Callable[..., BuildPlan], known: bool
) -> None:
    root, texts = tmp_path / "root", {f"{number}.md": f"# Article {number}\n" for number in range(20)}
    if known:
        build(plan_of(written(tmp_path / "few", {"0.md": texts["0.md"]}), root), silent)
    asked: list[int] = []

    def require_space(_: Path, size: int) -> None:
        asked.append(size)
        if len(asked) % 2:  # for all texts: only then those that are still to be embedded are counted
            raise NoSpace("too little for the vectors of all")

    monkeypatch.setattr("clockifyrag_builder.build.require_space", require_space)
    docs = written(tmp_path / "docs", texts)

    plan = plan_of(docs, root)
    build(plan, silent)
    (root / "CURRENT").unlink()
    remove_tree(root / "generations")
    build(plan, silent)

    new = 19 if known else 20
    assert segment_bytes(new, plan.embedder.identity.dimensions) == asked[1] - asked[3]


@pytest.mark.parametrize(
    ("place", "target", "error"),
    [
        pytest.param("reports/{id}/report.json", "/dev/full", NoSpace, id="volume full"),
        pytest.param("reports", "/dev/null", StorageError, id="no folder"),
    ],
)
def test_a_report_that_cannot_be_written_is_an_error_of_the_root(
    tmp_path: Path, changed: Path, plan_of: Callable[..., BuildPlan], place: str, target: str, error: type[StorageError]
) -> None:
    same = build(plan_of(changed, tmp_path / "elsewhere"), silent).generation
    link = tmp_path / "root" / place.format(id=same)
    link.parent.mkdir(parents=True)
    link.symlink_to(target)

    with pytest.raises(error) as caught:
        build(plan_of(changed, tmp_path / "root"), silent)

    assert error is type(caught.value)
    assert str(tmp_path / "root") in str(caught.value)
    assert not Layout(tmp_path / "root").current.exists()
