"""SIGKILL at seeded points of writing, importing, publishing and removing: what is published is always whole."""

import os
import random
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from clockifyrag_index.archive import export_generation
from clockifyrag_index.generations import current_generation_path, list_generations, open_generation
from clockifyrag_index.layout import Layout

BUILDER = Path(__file__).with_name("killed_builder.py")


class Builder:
    """The other process: carries out one order at a time, each in a child of its own."""

    def __init__(self) -> None:
        # One thread, because children are forked from it.
        environment = {**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
        self.process = subprocess.Popen(
            [sys.executable, BUILDER], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment
        )

    def order(self, root: Path, scenario: str, seed: int, die_at: int = 0) -> str:
        assert self.process.stdin is not None and self.process.stdout is not None
        print(root, scenario, seed, die_at, file=self.process.stdin, flush=True)
        return self.process.stdout.readline().strip()


@pytest.fixture
def builder() -> Iterator[Builder]:
    one = Builder()
    with one.process:
        yield one
        assert one.process.stdin is not None
        one.process.stdin.close()


def archives(builder: Builder, folder: Path, seeds: range) -> None:
    """Puts `<seed>.tar.gz` into the folder for each seed."""
    for seed in seeds:
        root = folder / "source" / str(seed)
        builder.order(root, "build", seed)
        export_generation(current_generation_path(root), folder / f"{seed}.tar.gz")


def torn(root: Path) -> list[str]:
    """What lies in the root besides whole generations, CURRENT and the locks."""
    layout = Layout(root)
    damaged = [one.problem for one in list_generations(root, verify=True) if one.problem]
    return [*damaged, *(str(path) for path in layout.leftovers()), *layout.set_aside_names()]


def reason_of_published(root: Path) -> str:
    """Opens the published generation, every byte of it verified."""
    generation = open_generation(current_generation_path(root))
    generation.close()
    return generation.manifest.reason


@pytest.mark.parametrize(
    ("scenario", "points"), [pytest.param("build", 60, id="build"), pytest.param("import", 25, id="import")]
)
def test_killed_at_any_point_the_published_generation_is_whole_and_the_next_build_heals_the_rest(
    builder, tmp_path, scenario, points
):
    root = tmp_path / "root"
    if scenario == "import":
        archives(builder, tmp_path, range(2 * points + 3))
    for seed in (0, 1):
        builder.order(root, scenario, seed)
    steps = int(builder.order(root, scenario, 2).removeprefix("done "))
    last_whole, left, published = 2, 0, {"before": 0, "after": 0}

    for point in random.Random(20260131).sample(range(1, steps + 1), points):
        assert "killed" == builder.order(root, scenario, last_whole + 1, point)
        found = reason_of_published(root)
        assert found in (f"build {last_whole}", f"build {last_whole + 1}")
        published["before" if found == f"build {last_whole}" else "after"] += 1
        left += len(Layout(root).leftovers())

        last_whole += 2
        assert builder.order(root, scenario, last_whole).startswith("done ")
        assert f"build {last_whole}" == reason_of_published(root)
        assert [] == torn(root)

    assert left > points // 4  # otherwise the points were not in the middle of anything
    assert min(published.values()) > 1
