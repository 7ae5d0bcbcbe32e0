"""Layout: every path of an index root is made and parsed here.

ROOT/CURRENT                            one line: the id of the published generation
ROOT/builder.lock, pointer.lock         flock: who builds (long), who moves CURRENT or removes (milliseconds)
ROOT/generations/<id>/                  a complete generation; it never changes
                /.build.tmp-<pid>-<r>/  one being written: a leftover as soon as its builder is gone
                /.<id>.removing-<r>/    one being removed
                /<id>.bad-<time>/       damaged files found under a right id
ROOT/cache/<embedder8>/                 vectors already made, by embedder
          /passages.memo                how documents were divided in the last build
ROOT/reports/<id>/                      what became of each document
ROOT/work/                              what sources fetched, so that it need not be sent again
         /shard-0-of-4/                 the same of one of several shards
"""

import os
import re
import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from .errors import GenerationMissing

META, INDEX, VECTORS = "meta.json", "index.bin", "vectors.npy"
CHUNKS, OFFSETS = "chunks.jsonl", "chunks.offsets.npy"
DOCUMENTS, ARTICLES, ARTICLES_INDEX = "documents.npy", "articles.npy", "articles.bin"
LEXICAL = "lexical"

_GENERATION_ID = re.compile(r"gen-[0-9a-f]{12}", re.ASCII)
_SET_ASIDE = re.compile(r"gen-[0-9a-f]{12}\.bad-[0-9TZ-]+", re.ASCII)
_LEFTOVER = re.compile(r"\.[a-z0-9-]+\.(tmp|removing)-[0-9a-f-]+", re.ASCII)
_FILE_NAME = re.compile(r"(?:lexical/)?[A-Za-z0-9][A-Za-z0-9._-]{0,99}", re.ASCII)


def is_generation_id(text: str) -> bool:
    """Whether the text is `gen-` and 12 hex digits, so that it may become a path.

    >>> is_generation_id("gen-0123456789ab"), is_generation_id("gen-0123456789ab/.."), is_generation_id("../CURRENT")
    (True, False, False)
    """
    return _GENERATION_ID.fullmatch(text) is not None


def is_file_name(text: str) -> bool:
    """Whether the text may name a file of a generation: a plain name, at most one folder deep, and that is `lexical`.

    >>> is_file_name("lexical/terms.bin"), is_file_name("lexical/../x"), is_file_name("/etc/passwd"), is_file_name(".x")
    (True, False, False, False)
    """
    return _FILE_NAME.fullmatch(text) is not None


@dataclass(frozen=True, slots=True)
class Layout:
    """The paths of one index root; making one touches nothing on disk."""

    root: Path

    @property
    def current(self) -> Path:
        """The pointer: one line, the published id."""
        return self.root / "CURRENT"

    @property
    def current_new(self) -> Path:
        """The pointer to be, until it is renamed."""
        return self.root / "CURRENT.new"

    @property
    def builder_lock(self) -> Path:
        """Locked while somebody builds; see locks.py."""
        return self.root / "builder.lock"

    @property
    def pointer_lock(self) -> Path:
        """Locked while the pointer moves or a generation goes; see locks.py."""
        return self.root / "pointer.lock"

    @property
    def generations(self) -> Path:
        """The folder of all generations, complete or not."""
        return self.root / "generations"

    def generation(self, generation_id: str) -> Path:
        """The folder of that generation; GenerationMissing for what is no id, so that no path leaves the root."""
        if not is_generation_id(generation_id):
            raise GenerationMissing(
                f"{generation_id[:40]!r} is no generation id, expected gen- and 12 hex digits. `clockifyrag index ls` "
                "shows those there are."
            )
        return self.generations / generation_id

    @property
    def caches(self) -> Path:
        """The folder of all embedders' vectors."""
        return self.root / "cache"

    @property
    def passages(self) -> Path:
        """How documents were divided in the last build."""
        return self.caches / "passages.memo"

    @property
    def work(self) -> Path:
        """What sources fetched; it outlives a build."""
        return self.root / "work"

    def cache(self, embedder8: str) -> Path:
        """The vectors of one embedder, by the first 8 hex of its digest."""
        return self.caches / embedder8

    def report(self, generation_id: str) -> Path:
        """The folder of what that generation's build tells."""
        return self.root / "reports" / self.generation(generation_id).name

    def temporary(self, deed: str) -> Path:
        """A new name for a folder that becomes a generation, or a leftover: `.build.tmp-4711-9f86d081`."""
        return self.generations / f".{deed}.tmp-{os.getpid()}-{secrets.token_hex(4)}"

    def removing(self, name: str) -> Path:
        """A new name for a folder on its way out, which no reader takes for a generation."""
        return self.generations / f".{name.replace('.', '-').lower()}.removing-{secrets.token_hex(4)}"

    def set_aside(self, generation_id: str) -> Path:
        """A new name for damaged files found under that id: `gen-0123456789ab.bad-20260101T120000-000000Z`."""
        now = datetime.now(UTC).strftime("%Y%m%dT%H%M%S-%fZ")
        return self.generation(generation_id).with_name(f"{generation_id}.bad-{now}")

    def generation_ids(self) -> list[str]:
        """Ids that have a folder, sorted; whether it verifies is another question."""
        return [name for name in self._names() if is_generation_id(name)]

    def set_aside_names(self) -> list[str]:
        """Folders of damaged files, sorted."""
        return [name for name in self._names() if _SET_ASIDE.fullmatch(name)]

    def leftovers(self) -> list[Path]:
        """Folders whose writer or remover did not finish; sure to be so only for the holder of the builder's lock."""
        return [self.generations / name for name in self._names() if _LEFTOVER.fullmatch(name)]

    def _names(self) -> Iterator[str]:
        try:
            yield from sorted(path.name for path in self.generations.iterdir())
        except FileNotFoundError:
            return
