"""A volume without room for another generation: those that are to go anyway make it.

A file system of a given size needs the right to mount one, so `free bytes` is replaced by a quota less what is there.
"""

from collections.abc import Callable
from pathlib import Path

import pytest
from folders import written

from clockifyrag_builder.build import build
from clockifyrag_builder.plan import BuildPlan
from clockifyrag_index import disk
from clockifyrag_index.errors import NoSpace
from clockifyrag_index.layout import Layout


def silent(stage: str, done: int, total: int) -> None:
    """Progress nobody looks at."""


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
