"""BuildOutcome: how a build ended."""

from dataclasses import dataclass, field
from typing import Any, Literal

from clockifyrag_builder.report import BuildReport
from clockifyrag_index.manifest import Manifest

Result = Literal["Built", "Unchanged", "NeedVectors", "Embedded"]


@dataclass(frozen=True, slots=True)
class BuildOutcome:
    """How a build ended; `summary` is the last line a builder prints."""

    build_key: str
    source_digest: str
    result: Result = "Built"
    generation: str | None = None
    documents: int = 0
    chunks: int = 0
    published: bool = False
    texts_embedded: int = 0
    cache_hits: int = 0
    removed: tuple[str, ...] = ()  # generations that were told to go and are gone
    seconds: float = 0.0
    manifest: Manifest | None = None  # of the generation, where there is one
    report: BuildReport = field(default_factory=BuildReport)

    def summary(self) -> dict[str, Any]:
        """Counts and ids as JSON values, below 3 KiB; what is told of a generation is absent without one."""
        return {
            "result": self.result,
            "generation": self.generation,
            "documents": self.documents,
            "chunks": self.chunks,
            "published": self.published,
            "buildKey": self.build_key,
            "sourceDigest": self.source_digest,
            **(_facts(self.manifest) if self.manifest else {}),
            "textsEmbedded": self.texts_embedded,
            "cacheHits": self.cache_hits,
            "seconds": round(self.seconds, 1),
            "removed": list(self.removed),
            "reading": {name: listed.count for name, listed in self.report.reading.items() if listed.count},
        }


def _facts(manifest: Manifest) -> dict[str, Any]:
    """What stands in the manifest of a generation, for who decides what is served and never sees the volume."""
    return {
        "bytes": manifest.size_bytes,
        "contentDigest": manifest.content_digest,
        "model": manifest.embedder.model,
        "modelDigest": manifest.embedder.digest,
        "dimensions": manifest.counts.dimensions,
        "index": f"{manifest.index.type} {manifest.index.storage}",
        **({"recallAt10": manifest.recall.at_10} if manifest.recall else {}),
        "created": manifest.created,
        "reason": manifest.reason,
    }
