"""KeptAnswers: what servers sent, kept in a folder, so that an unchanged page need not be sent again.

    folder/answers.json      {"format": 1, "answers": {sha256 of the URL: KeptAnswer}}
          /bodies/<sha256>   the bytes as received; several URLs may share them
          /incoming/         bodies being received; what a killed process left here is removed

A damaged or foreign file costs one full download and is never an error. URLs are kept as digests only: their
queries may hold tokens.
"""

import hashlib
import json
import shutil
from collections.abc import Iterable
from dataclasses import asdict, dataclass, fields
from pathlib import Path

from clockifyrag_index.files import file_sha256, write_synced

_FORMAT = 1


@dataclass(frozen=True, slots=True)
class KeptAnswer:
    """The headers of one 200 that matter later, and the digest of its body; "" for a header that was absent."""

    etag: str
    last_modified: str
    content_type: str
    robots_tag: str  # X-Robots-Tag
    sha256: str
    size_bytes: int

    def conditions(self) -> dict[str, str]:
        """Request headers that let the server answer 304 (RFC 9110, sections 13.1.2 and 13.1.3).

        Values outside ASCII are left out: no request can carry them, and the page is sent once more.
        """
        headers = {"If-None-Match": self.etag, "If-Modified-Since": self.last_modified}
        return {name: value for name, value in headers.items() if value and value.isascii()}


class KeptAnswers:
    """Answers by URL; what `find` returns has its body, byte for byte."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._bodies = folder / "bodies"
        self.incoming = folder / "incoming"
        shutil.rmtree(self.incoming, ignore_errors=True)
        for needed in (self._bodies, self.incoming):
            needed.mkdir(parents=True, exist_ok=True)
        self._answers = _read_answers(folder / "answers.json")

    def find(self, url: str) -> KeptAnswer | None:
        """What this URL sent last time; None where nothing is kept or its body is damaged."""
        kept = self._answers.get(url_digest(url))
        if kept is None or _digest_of(self.body_path(kept)) != kept.sha256:
            return None
        return kept

    def keep(self, url: str, answer: KeptAnswer, body: Path) -> None:
        """The body is moved from `incoming` to its own name; `save` makes the answer itself last."""
        body.replace(self.body_path(answer))
        self._answers[url_digest(url)] = answer

    def body_path(self, answer: KeptAnswer) -> Path:
        """Where the answer's body is, or belongs."""
        return self._bodies / answer.sha256

    def body(self, answer: KeptAnswer) -> bytes:
        """The answer's body, byte for byte."""
        return self.body_path(answer).read_bytes()

    def save(self) -> None:
        """answers.json is the old one or the new one, whenever the process is killed."""
        answers = {key: asdict(answer) for key, answer in sorted(self._answers.items())}
        write_synced(self.incoming / "answers.json", json.dumps({"format": _FORMAT, "answers": answers}).encode())
        (self.incoming / "answers.json").replace(self._folder / "answers.json")

    def keep_only(self, urls: Iterable[str]) -> None:
        """Answers of other URLs, and bodies nothing names any more, are gone: the folder does not grow for ever."""
        wanted = {url_digest(url) for url in urls}
        self._answers = {key: answer for key, answer in self._answers.items() if key in wanted}
        self.save()
        named = {answer.sha256 for answer in self._answers.values()}
        for body in self._bodies.iterdir():
            if body.name not in named:
                body.unlink()


def url_digest(url: str) -> str:
    """The key of a URL: 64 hex of its sha256."""
    return hashlib.sha256(url.encode()).hexdigest()


def _read_answers(path: Path) -> dict[str, KeptAnswer]:
    try:
        stored = json.loads(path.read_bytes())
    except (FileNotFoundError, ValueError):
        return {}
    if not isinstance(stored, dict) or stored.get("format") != _FORMAT or not isinstance(stored.get("answers"), dict):
        return {}
    return {str(key): answer for key, entry in stored["answers"].items() if (answer := _kept_answer(entry))}


def _kept_answer(entry: object) -> KeptAnswer | None:
    """None for an entry that is not one: its digest becomes a file name, so it must be a digest."""
    if not isinstance(entry, dict) or set(entry) != {field.name for field in fields(KeptAnswer)}:
        return None
    digest = entry["sha256"]
    if not isinstance(digest, str) or len(digest) != 64 or set(digest) - set("0123456789abcdef"):
        return None
    headers = (entry["etag"], entry["last_modified"], entry["content_type"], entry["robots_tag"])
    if not all(isinstance(header, str) for header in headers) or not isinstance(entry["size_bytes"], int):
        return None
    return KeptAnswer(**entry)


def _digest_of(path: Path) -> str:
    return file_sha256(path) if path.is_file() else ""
