"""The options of `clockifyrag index build` that say what is read, and the source they name."""

import dataclasses
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from clockifyrag_index.errors import UsageError

if TYPE_CHECKING:
    from clockifyrag_builder.plan import Source
    from clockifyrag_resource.source import CrawlSource

CRAWL = "crawl"


@dataclass(frozen=True, slots=True, kw_only=True)
class CrawlOptions:
    """The web site that `--source crawl` reads."""

    start_urls: list[str] | None
    sitemap: str | None
    allow: list[str] | None
    max_pages: int
    delay_seconds: int

    def site(self, allow_hosts: tuple[str, ...]) -> "CrawlSource":
        """The site as `spec.source.crawl` would describe it. UsageError says which option is wrong."""
        from pydantic import ValidationError

        from clockifyrag_resource.source import CrawlSource

        given = {name: value for name, value in dataclasses.asdict(self).items() if value is not None}
        try:
            return CrawlSource(**given, allow_hosts=allow_hosts)
        except ValidationError as error:
            told = "; ".join(
                f"{'.'.join(map(str, one['loc'])) or 'the site'}: {one['msg']}"
                for one in error.errors(include_url=False)
            )
            raise UsageError(f"--source crawl: {told}") from error


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceOptions:
    """What is read, and how. UsageError for an option that was given and that this source makes nothing of."""

    source: str
    crawl: CrawlOptions
    format: str
    namespace: str
    strict: bool
    sha256: str | None
    authorization_file: Path | None
    allow_hosts: tuple[str, ...]

    def __post_init__(self) -> None:
        from clockifyrag_builder.readers.sources import is_url

        of_crawl = {"start-url": self.crawl.start_urls, "sitemap": self.crawl.sitemap, "allow": self.crawl.allow}
        of_url = {"sha256": self.sha256, "authorization-file": self.authorization_file}
        for used, kind, options in (
            (self.source == CRAWL, "--source crawl", of_crawl),
            (is_url(self.source), "a --source of http(s)", of_url),
        ):
            for name, given in options.items():
                if given is not None and not used:
                    raise UsageError(f"--{name} goes with {kind}, found {self.source!r}")

    def opened(self, work: Path) -> "Source":
        """The source; `work` is the folder that keeps what it fetches. UsageError names the option that is wrong."""
        from clockifyrag_builder.sources import site_source, source_of

        if self.source == CRAWL:
            return site_source(
                self.crawl.site(self.allow_hosts),
                work=work,
                source_format=self.format,
                namespace=self.namespace,
                strict=self.strict,
            )
        return source_of(
            self.source,
            work=work,
            source_format=self.format,
            namespace=self.namespace,
            strict=self.strict,
            sha256=self.sha256,
            allow_hosts=self.allow_hosts,
            authorization=None if self.authorization_file is None else _content(self.authorization_file),
        )


def _content(file: Path) -> str:
    """The header in the file of --authorization-file."""
    try:
        return file.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        problem = error.strerror if isinstance(error, OSError) else "it is no text"
        raise UsageError(f"--authorization-file {file} cannot be read: {problem}") from error
