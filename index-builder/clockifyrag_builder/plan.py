"""BuildPlan: all that a build is asked for, and the key that tells whether it must be done again."""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from clockifyrag_builder.documents import Document
from clockifyrag_builder.passages import ChunkLimits
from clockifyrag_builder.report import Listed
from clockifyrag_index.embedders import Embedder
from clockifyrag_index.embedders.canaries import CANARY_TEXTS
from clockifyrag_index.errors import UsageError
from clockifyrag_index.identity import FORMAT, digest_of, embedder_fingerprint
from clockifyrag_index.index_choice import IndexChoice


class Source(Protocol):
    """Where documents come from; the build asks for them several times and expects the same ones."""

    @property
    def description(self) -> Mapping[str, object]:
        """What of the source belongs to the build key: kind, path or URL, format, namespace."""

    def fetch(self) -> str:
        """Brings the documents within reach; returns the digest of their content, `sha256:…`. SourceError."""

    def documents(self) -> Iterable[Document]:
        """The documents, in the same order each time. SourceError names what cannot be read."""

    def require_unchanged(self) -> None:
        """SourceError where the documents that were read need not be those of the digest that `fetch` returned."""

    def reading(self) -> Mapping[str, Listed]:
        """What the readers met in the last complete iteration, for the report."""


AUTO = IndexChoice()


ODD_TEXT = "Don’t press “Café = Bar” `x`; 漢字, " + "w" * 120  # tokenizers and bounds disagree on each of these


_SHARD_NAME = re.compile(r"shard-[0-9]+-of-[0-9]+", re.ASCII)


@dataclass(frozen=True, slots=True)
class Shard:
    """Part `number` of `count` of the embedding work; a text belongs to one shard whatever the others do."""

    number: int
    count: int

    @classmethod
    def parse(cls, text: str) -> "Shard":
        """The shard of `I/N`, I from 0. UsageError when it is something else.

        >>> Shard.parse("0/4")
        Shard(number=0, count=4)
        """
        number, slash, count = text.partition("/")
        if not (slash and _is_number(number) and _is_number(count) and int(number) < int(count)):
            raise UsageError(f"--shard is {text!r}; expected I/N with I from 0 to N - 1, such as 0/4")
        return cls(int(number), int(count))

    @property
    def name(self) -> str:
        """`shard-0-of-4`: the folder of what its source fetched."""
        return f"shard-{self.number}-of-{self.count}"

    def holds(self, text_digest: int) -> bool:
        """Whether a text of this 64-bit digest is embedded by this shard."""
        return text_digest % self.count == self.number


def is_shard_name(name: str) -> bool:
    """Whether a folder is that of some shard.

    >>> is_shard_name(Shard(0, 4).name), is_shard_name("shard-notes")
    (True, False)
    """
    return _SHARD_NAME.fullmatch(name) is not None


def _is_number(text: str) -> bool:
    """Whether the text is a few digits of ASCII: "²" is a digit to Python as well, and no number."""
    return text.isascii() and text.isdecimal() and len(text) < 10


def calls_at_once(servers: int, *, serving: bool = False) -> int:
    """How many calls of the embedder run at once: one for each server.

    A single server, or a model in this process, is given two: it finds the next one as soon as it ends the last. While
    the resource serves it is given one: a question would wait behind both.
    """
    return max(servers, 1 if serving else 2)


@dataclass(frozen=True, slots=True)
class BuildPlan:
    """One build, from a source to a generation below `root`."""

    root: Path
    source: Source
    limits: ChunkLimits
    embedder: Embedder
    index: IndexChoice = AUTO
    batch_size: int = 32
    in_flight: int = 2  # calls of the embedder at once, see calls_at_once
    call_seconds: float | None = None  # about how long one of them may take; None: batch_size alone decides
    given_build_key: str | None = None  # in place of the computed one, by whoever decides what is built
    reason: str = "Requested"
    publish: bool = True
    remove: tuple[str, ...] = ()  # generations to delete once the new one stands
    shards: int = 1  # above 1: with many vectors missing, others are asked to embed first
    embed_only: Shard | None = None

    @property
    def chunking(self) -> dict[str, object]:
        """As it stands in the manifest."""
        limits = self.limits
        return {
            "maxChars": limits.max_chars, "minChars": limits.min_chars,
            "contextTokens": limits.context_tokens, "documentPrefix": limits.document_prefix,
        }  # fmt: skip

    @property
    def divides_by(self) -> dict[str, object]:
        """All that decides how a document is divided: the limits, and how tokens are counted.

        In this process the tokens of a model are counted exactly, for a server they are bounded from above: the counts
        of a few texts tell the two apart.
        """
        counts = [self.embedder.count_tokens(text) for text in (*CANARY_TEXTS, ODD_TEXT)]
        return {**self.chunking, "model": self.embedder.identity.model, "tokens": counts}

    def build_key(self, source_digest: str) -> str:
        """The key given, or the digest of all that decides the generation, never the builder's version: equal keys
        need no second build.
        """
        if self.given_build_key is not None:
            return self.given_build_key
        return digest_of(
            {
                "format": FORMAT,
                "source": dict(self.source.description),
                "sourceKey": source_digest,
                "chunking": self.chunking,
                "embedder": embedder_fingerprint(self.embedder.identity),
                "index": self.index.record(),
            }
        )


Progress = Callable[[str, int, int], None]  # stage, done, total
