"""Sources of a build: a local path, the sample, a URL or a web site, each with the digest of what it holds now."""

import hashlib
import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import asdict, replace
from pathlib import Path

from clockifyrag_builder.documents import Document
from clockifyrag_builder.memo import Memo
from clockifyrag_builder.readers import Format, ReadLog
from clockifyrag_builder.readers.archive import is_archive_name
from clockifyrag_builder.readers.from_bytes import format_of_name
from clockifyrag_builder.readers.local_files import file_names, is_folder, no_file
from clockifyrag_builder.readers.reading import Reading
from clockifyrag_builder.readers.sources import CRAWLED, FETCHED, crawl_source, is_url, read_source
from clockifyrag_builder.report import Listed
from clockifyrag_builder.sample import sample_articles
from clockifyrag_index.errors import SourceError, UsageError
from clockifyrag_index.files import file_sha256
from clockifyrag_index.identity import canonical_json
from clockifyrag_resource.source import CrawlSource
from clockifyrag_resource.texts import NAMESPACE_WORDS, is_namespace

SAMPLE = "sample"
PARSED = "parsed.memo"
# What each kind of source keeps in the folder that outlives a build.
KEPT = {"files": PARSED, "http": FETCHED, "crawl": CRAWLED}
HELD_BYTES_MAX = 64 << 20  # sources up to here are parsed once and held; larger ones are read anew for each pass
PACKED = 16  # times so many bytes a compressed archive of pages is taken to unpack to; text shrinks 3 to 30 times


def source_of(
    text: str,
    *,
    work: Path,
    source_format: str = "Auto",
    namespace: str = "default",
    strict: bool = False,
    sha256: str | None = None,
    allow_hosts: tuple[str, ...] = (),
    authorization: str | None = None,
) -> "LocalSource | FetchedSource":
    """The source a person names: `sample`, a path, or an http(s) URL. UsageError for none of them, for an unknown
    format, a namespace that is none, or a folder in which the index itself would be read.

    work: a folder of the index root.
    authorization: the Authorization header for the host of the URL; it decides no build key and is never shown.
    """
    if not text:  # as a path it would be the folder the process happens to be in
        raise UsageError("--source is empty; expected a file, a folder, an archive or a URL")
    format, namespace = _format(source_format), _namespace(namespace)
    if is_url(text):

        def read(reading: Reading) -> Iterator[Document]:
            return read_source(
                text, reading, work=work, sha256=sha256, allow_hosts=allow_hosts, authorization=authorization
            )

        return FetchedSource({"kind": "http", "url": text}, read, format, namespace, strict)
    path = sample_articles() if text == SAMPLE else Path(text)
    _require_apart(path, work.parent)
    return LocalSource(path, work, format, namespace, strict)


def site_source(
    site: CrawlSource, *, work: Path, source_format: str = "Auto", namespace: str = "default", strict: bool = False
) -> "FetchedSource":
    """The pages of a web site, as spec.source.crawl describes it. UsageError as for `source_of`."""

    def read(reading: Reading) -> Iterator[Document]:
        return crawl_source(site, reading, work=work)

    description = {"kind": "crawl", **site.model_dump(mode="json", exclude_none=True)}
    return FetchedSource(description, read, _format(source_format), _namespace(namespace), strict)


def _require_apart(source: Path, root: Path) -> None:
    """UsageError for an index root among the files that are read: the next build would take passages for articles."""
    below = Path(os.path.realpath(root))
    folder = Path(os.path.realpath(source))
    if below.is_relative_to(folder) and not any(part.startswith(".") for part in below.relative_to(folder).parts):
        raise UsageError(
            f"the index root {root} lies in the source {source}, and would be read as documents; "
            f"expected a place outside, or one whose name begins with a dot: {source / '.index'}"
        )


class LocalSource:
    """A file, folder or archive on this machine; of a large one no text is held."""

    def __init__(self, path: Path, work: Path, format: Format, namespace: str, strict: bool) -> None:
        self._path = path
        self._work = work
        self._reading = Reading(ReadLog(), format, namespace, strict)
        self._held: tuple[Document, ...] | None = None
        self._digest = ""  # as `fetch` found it

    @property
    def description(self) -> Mapping[str, object]:
        """Without the path: the same files elsewhere give the same generation."""
        return {"kind": "files", "format": self._reading.format, "namespace": self._reading.namespace}

    def fetch(self) -> str:
        """The digest of names and bytes of all files a reader would take.

        When strict, all documents are read as well: a generation of this digest may have been built without --strict,
        past a broken record.
        """
        self._held = None
        self._digest = _digest(self._path)
        if self._reading.strict:
            deque(self.documents(), maxlen=0)
        return self._digest

    def documents(self) -> Iterable[Document]:
        """A new iteration over the files, or the documents that are held."""
        if self._held is not None:
            return self._held
        small = sum(_size(path) for _, path in _files(self._path)) * self._unpacks_by() <= HELD_BYTES_MAX
        log = ReadLog(memo=Memo(self._work / PARSED) if small else Memo())
        self._reading = replace(self._reading, log=log)
        documents = read_source(self._path, self._reading, work=self._work)
        if not small:
            return documents
        self._held = tuple(documents)
        log.memo.save()
        self._require_digest()  # what changes from here on is not read any more
        return self._held

    def _unpacks_by(self) -> int:
        is_packed = is_archive_name(self._path.name) and not self._path.name.lower().endswith(".tar")
        return PACKED if is_packed else 1

    def require_unchanged(self) -> None:
        """Nothing is left to ask where documents are held: the digest was compared when they were read."""
        if self._held is None:
            self._require_digest()

    def _require_digest(self) -> None:
        """All bytes are read once more: sizes and times would not tell of every change."""
        if self._digest and _digest(self._path) != self._digest:
            raise _changed(self._path)

    def reading(self) -> Mapping[str, Listed]:
        """What the last complete iteration met."""
        return findings_of(self._reading.log)


class FetchedSource:
    """Documents that come over the network: fetched once a build, then held."""

    def __init__(
        self,
        description: Mapping[str, object],
        read: Callable[[Reading], Iterator[Document]],
        format: Format,
        namespace: str,
        strict: bool,
    ) -> None:
        self._description = {**description, "format": format, "namespace": namespace}
        self._read = read
        self._reading = Reading(ReadLog(), format, namespace, strict)
        self._documents: tuple[Document, ...] = ()

    @property
    def description(self) -> Mapping[str, object]:
        """Address and rules: the same content elsewhere is another source."""
        return self._description

    def fetch(self) -> str:
        """Brings the documents here; the digest of their content."""
        self._reading = replace(self._reading, log=ReadLog())  # in a second attempt ids claimed before are free again
        self._documents = tuple(self._read(self._reading))
        digest = hashlib.sha256()
        for document in self._documents:
            digest.update(canonical_json(asdict(document)))
        return f"sha256:{digest.hexdigest()}"

    def documents(self) -> Iterable[Document]:
        """The documents that `fetch` brought."""
        return self._documents

    def require_unchanged(self) -> None:
        """The digest is that of the documents that are held, so nothing can have changed."""

    def reading(self) -> Mapping[str, Listed]:
        """What was met while the documents were brought."""
        return findings_of(self._reading.log)


def findings_of(log: ReadLog) -> dict[str, Listed]:
    """What the readers met, by finding: how many and which; everything they passed over is among it.

    There are few findings, whatever is read: their counts stand in the summary of a build, which is at most 3 KiB. What
    could not be read comes before what was read otherwise than it seems.
    """
    clashes: dict[str, list[str]] = {}
    for clash in log.id_clashes:
        clashes.setdefault(clash.outcome, []).append(f"{clash.id} → {clash.kept_as}" if clash.kept_as else clash.id)
    return {
        "records": Listed(log.records),
        "broken": Listed.of(f"{one.origin}: {one.reason}" for one in log.problems),
        "skipped": Listed.of(f"{one.name}: {one.reason}" for one in log.skipped),
        "empty records": Listed.of(f"{one.record_id or one.origin} ({one.outcome})" for one in log.empty_records),
        "articles without text": Listed.of(log.documents_without_text),
        **{f"ids used twice ({outcome})": Listed.of(ids) for outcome, ids in clashes.items()},
        **{f"lines left out ({kind})": Listed(count) for kind, count in sorted(log.dropped.items())},
    }


def _format(text: str) -> Format:
    known: dict[str, Format] = {"auto": "Auto", "jsonl": "JSONL", "markdown": "Markdown", "html": "HTML"}
    if text.lower() not in known:
        raise UsageError(f"the format is {text!r}; expected {', '.join(known.values())}")
    return known[text.lower()]


def _namespace(text: str) -> str:
    if not is_namespace(text):
        raise UsageError(f"--namespace is {text[:100]!r}; expected {NAMESPACE_WORDS}")
    return text


def _digest(path: Path) -> str:
    """Of names and bytes of all files below the path that a reader would take."""
    digest = hashlib.sha256()
    for name, file in _files(path):
        digest.update(f"{name}\0{_file_digest(file)}\n".encode(errors="surrogateescape"))
    return f"sha256:{digest.hexdigest()}"


def _changed(path: Path) -> SourceError:
    return SourceError(f"{path} changed while it was read; build again, from a copy if it changes all the time")


def _files(path: Path) -> Iterator[tuple[str, Path]]:
    """Relative name and path of the file, or of all files in the folder that a reader takes."""
    if is_folder(path):
        for name in file_names(path, ReadLog()):
            if format_of_name(name):
                yield name, path / name
    elif path.is_file():
        yield path.name, path
    else:
        raise SourceError(no_file(path))


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError as error:
        raise _changed(path) from error


def _file_digest(path: Path) -> str:
    try:
        return file_sha256(path)
    except FileNotFoundError as error:  # it was there when the folder was listed
        raise _changed(path) from error
    except OSError as error:
        raise SourceError(
            f"{path} cannot be read ({error.strerror}); give the user of this process the right to read it"
        ) from error
