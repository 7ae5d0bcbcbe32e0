"""Reading: how documents are read, wherever they are."""

from dataclasses import dataclass, field
from typing import Literal

from clockifyrag_builder.readers.read_log import ReadLog
from clockifyrag_builder.readers.source import Source

DocumentFormat = Literal["JSONL", "Markdown", "HTML"]
Format = Literal["Auto", "JSONL", "Markdown", "HTML"]


@dataclass(frozen=True, slots=True)
class Reading:
    """`spec.source.format`, `spec.source.namespace` and `--strict`, and the log of what was passed over."""

    log: ReadLog = field(default_factory=ReadLog)
    format: Format = "Auto"
    namespace: str = "default"
    strict: bool = False

    def of(self, name: str, url: str = "") -> Source:
        """One file as a reader of its format is given it; url: canonical, where it was fetched from."""
        return Source(name, self.namespace, self.strict, self.log, url)

    def takes(self, format: DocumentFormat | None) -> bool:
        """Whether documents of the format are wanted; None: what is none."""
        return format is not None and self.format in ("Auto", format)
