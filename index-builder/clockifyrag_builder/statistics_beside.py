"""Word statistics counted while texts are embedded: a model server leaves this process idle meanwhile."""

import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from clockifyrag_builder.lanes import Beside
from clockifyrag_index.chunk import Chunk
from clockifyrag_index.disk import storage_errors
from clockifyrag_index.layout import Layout
from clockifyrag_index.statistics import write_statistics

Statistics = Callable[[Path], Mapping[str, object]]  # as `write_generation` wants them


@contextmanager
def statistics_beside(root: Path, chunks: Sequence[Chunk]) -> Iterator[Statistics]:
    """What puts the statistics of the chunks into a folder; they are counted from now on, beside what else is done.

    Needs the builder's lock: until they are asked for they stand in a folder of their own, which the next builder
    removes should this process be killed.
    """
    folder = Layout(root).temporary("words")
    with storage_errors(root):
        folder.mkdir(parents=True)
    counted = Beside(lambda: write_statistics(folder, chunks))

    def moved(target: Path) -> Mapping[str, object]:
        parameters = counted.result()
        for path in folder.iterdir():
            path.rename(target / path.name)
        return parameters

    try:
        yield moved
    finally:
        shutil.rmtree(folder, ignore_errors=True)  # after an error it may still be written to
