"""spec.source: where the documents come from. Exactly one of five; the builder reads it, everything else follows."""

from collections.abc import Iterator
from typing import Annotated, ClassVar, Literal, get_args

from pydantic import Field

from clockifyrag_resource.cel import Cel
from clockifyrag_resource.part import REBUILDS, Broken, Maybe, Part
from clockifyrag_resource.references import AuthorizationSecret
from clockifyrag_resource.texts import DataKey, Host, HttpAddress, Namespace, ObjectName, PathInside, Sha256

_ALLOW_HOSTS = (
    "Hosts that may be asked although their addresses are private, where the installation allows it. "
    "Default: none; private and local addresses are refused."
)
SourceKind = Literal["sample", "configMapRef", "pvcRef", "http", "crawl"]
Format = Literal["Auto", "JSONL", "Markdown", "HTML"]


class SampleSource(Part):
    """The help articles shipped with the builder; there is nothing to set."""


class ConfigMapSource(Part):
    """Files held in a ConfigMap."""

    name: ObjectName = Field(
        description="Name of the ConfigMap, in the resource's namespace.", json_schema_extra=REBUILDS
    )
    keys: Annotated[tuple[DataKey, ...], Field(max_length=256)] = Field(
        default=(), description="The keys to read, each a file. Default: all of them.", json_schema_extra=REBUILDS
    )


class PvcSource(Part):
    """A file or folder on a volume, mounted read-only."""

    name: ObjectName = Field(
        description="Name of the PersistentVolumeClaim, in the resource's namespace.", json_schema_extra=REBUILDS
    )
    path: PathInside = Field(
        description="File or folder, counted from the root of the volume.", json_schema_extra=REBUILDS
    )


class HttpSource(Part):
    """One file to download: .jsonl, .md, .html, .tar.gz or .zip."""

    url: HttpAddress = Field(description="Address of the file.", json_schema_extra=REBUILDS)
    sha256: Maybe[Sha256] = Field(
        default=None,
        description="Digest of the file; any other content is refused. Unset: whatever stands there when building.",
        json_schema_extra=REBUILDS,
    )
    secret_ref: Maybe[AuthorizationSecret] = Field(
        default=None,
        description="Secret whose key clockifyrag-authorization is sent as the Authorization header. Unset: none.",
        json_schema_extra=REBUILDS,
    )
    allow_hosts: Annotated[tuple[Host, ...], Field(max_length=32)] = Field(
        default=(), description=_ALLOW_HOSTS, json_schema_extra=REBUILDS
    )


class CrawlSource(Part):
    """A web site, read politely: robots.txt is obeyed, one request at a time."""

    start_urls: Annotated[tuple[HttpAddress, ...], Field(max_length=64)] = Field(
        default=(),
        description="Pages to begin with. Default: none, when a sitemap is given.",
        json_schema_extra=REBUILDS,
    )
    sitemap: Maybe[HttpAddress] = Field(
        default=None,
        description="Address of a sitemap or sitemap index whose pages are read. Unset: links alone are followed.",
        json_schema_extra=REBUILDS,
    )
    allow: Annotated[tuple[HttpAddress, ...], Field(max_length=64)] = Field(
        default=(),
        description="Address prefixes, one of which a page must begin with; * in a path stands for any characters. "
        "Default: the hosts of startURLs and of the sitemap.",
        json_schema_extra=REBUILDS,
    )
    max_pages: int = Field(
        default=1000, ge=1, le=100_000, description="Pages read at most.", json_schema_extra=REBUILDS
    )
    delay_seconds: int = Field(
        default=1,
        ge=0,
        le=3600,
        description="Seconds between two requests to a host; robots.txt may ask for more.",
        json_schema_extra=REBUILDS,
    )
    allow_hosts: Annotated[tuple[Host, ...], Field(max_length=32)] = Field(
        default=(), description=_ALLOW_HOSTS, json_schema_extra=REBUILDS
    )

    api_rules: ClassVar[tuple[Cel, ...]] = (
        Cel(
            "(has(self.startURLs) && self.startURLs.size() > 0) || has(self.sitemap)",
            "startURLs, a sitemap or both, so that there is a first page",
            found="neither startURLs nor sitemap",
        ),
    )

    def broken_rules(self) -> Iterator[Broken]:
        if not self.start_urls and self.sitemap is None:
            yield Broken((), "neither startURLs nor sitemap", "at least one of them, so that there is a first page")


_IS_GIVEN = tuple(f"has(self.{name})" for name in get_args(SourceKind))
_NAMES = " + ".join(f"(has(self.{name}) ? '{name} ' : '')" for name in get_args(SourceKind)) + " + 'together'"


class Source(Part):
    """Exactly one of sample, configMapRef, pvcRef, http and crawl, and how its documents are read."""

    sample: Maybe[SampleSource] = Field(
        default=None,
        description="The help articles shipped in the builder's image: {}.",
        json_schema_extra=REBUILDS,
    )
    config_map_ref: Maybe[ConfigMapSource] = Field(default=None, description="Files held in a ConfigMap.")
    pvc_ref: Maybe[PvcSource] = Field(default=None, description="A file or folder on a volume.")
    http: Maybe[HttpSource] = Field(default=None, description="A file to download.")
    crawl: Maybe[CrawlSource] = Field(default=None, description="A web site to read.")
    format: Format = Field(
        default="Auto",
        description="How files are read; Auto goes by their names and first bytes.",
        json_schema_extra=REBUILDS,
    )
    namespace: Namespace = Field(
        default="default", description="Namespace of documents that name none.", json_schema_extra=REBUILDS
    )

    api_rules: ClassVar[tuple[Cel, ...]] = (
        Cel(
            f"[{', '.join(_IS_GIVEN)}].exists_one(given, given)",
            "exactly one of sample, configMapRef, pvcRef, http and crawl",
            shown=f"({' || '.join(_IS_GIVEN)} ? {_NAMES} : 'none of the five sources')",
        ),
    )

    @property
    def kind(self) -> SourceKind:
        """Which of the five is given."""
        return self._given()[0]

    def _given(self) -> tuple[SourceKind, ...]:
        choices: dict[SourceKind, Part | None] = {
            "sample": self.sample,
            "configMapRef": self.config_map_ref,
            "pvcRef": self.pvc_ref,
            "http": self.http,
            "crawl": self.crawl,
        }
        return tuple(name for name, part in choices.items() if part is not None)

    def broken_rules(self) -> Iterator[Broken]:
        given = self._given()
        if len(given) != 1:
            found = " and ".join(given) if given else "none of the five sources"
            yield Broken((), found, "exactly one of sample, configMapRef, pvcRef, http and crawl")
