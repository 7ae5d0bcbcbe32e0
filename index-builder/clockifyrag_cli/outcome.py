"""Outcome: the few lines of JSON that a Job leaves for whoever started it, in a file such as /dev/termination-log."""

import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from clockifyrag_cli.failures import EXPECTED, exit_code
from clockifyrag_index.errors import UsageError

if TYPE_CHECKING:
    from clockifyrag_index.generations import GenerationSummary

OUTCOME_BYTES_MAX = 3072  # Kubernetes keeps 4,096 of a container's message
ERROR_BYTES_MAX = 1024
LISTED_WHOLE = 3  # generations of a listing of which all is told: the newest
DIGEST_SHOWN = len("sha256:") + 12


def write_outcome(file: Path, record: Mapping[str, Any]) -> None:
    """The record as one line in the file, which is emptied first. UsageError when it cannot be written."""
    with _writing(file):
        file.write_bytes(_line(record))


@contextmanager
def told_failure(file: Path | None) -> Iterator[None]:
    """Within it an error is written into the file before it goes on; None: it just goes on.

    UsageError before anything is done when the file cannot be written: what finishes must not end as a failure.
    """
    if file is not None:
        with _writing(file), file.open("ab"):
            pass
    try:
        yield
    except Exception as error:
        if file is not None:
            _tell(file, failure(error))
        raise


def failure(error: Exception) -> dict[str, Any]:
    """What is told of an error: its exit code, its kind (errors.py) and its message, at most 1 KiB of it."""
    expected = isinstance(error, EXPECTED)
    text = str(error) if expected else f"{type(error).__name__}: {error}"
    code = exit_code(error) if expected else 1
    return {"result": "Failed", "exitCode": code, "kind": type(error).__name__, "error": shortened(text)}


def shortened(text: str, bytes_max: int = ERROR_BYTES_MAX) -> str:
    """The text, or its beginning and "…", in at most `bytes_max` bytes of JSON."""
    if len(_json(text)) <= bytes_max:
        return text
    low, high = 0, len(text)
    while low < high:  # the longest beginning that fits; escapes make some characters six bytes long
        middle = (low + high + 1) // 2
        low, high = (middle, high) if len(_json(text[:middle] + "…")) <= bytes_max else (low, middle - 1)
    return text[:low] + "…"


def listing(found: Sequence["GenerationSummary"]) -> dict[str, Any]:
    """What is told of the generations of a root: good ones, newest first, as many as fit; how many more there are.

    Of older ones less is told before any is left out: one that no ledger holds is never removed, and cannot be pinned.
    """
    good = [one for one in found if one.state in ("current", "kept")]
    others = {
        "damaged": sum(one.state == "damaged" for one in found),
        "newer": sum(one.state == "newer" for one in found),
    }
    shown = whole = len(good)
    while True:
        told = [*map(_generation, good[:whole]), *map(_in_short, good[whole:shown])]
        record = {"result": "Listed", "generations": told[:shown], "more": len(good) - shown, **others}
        if len(_line(record)) <= OUTCOME_BYTES_MAX:
            return record
        if whole > LISTED_WHOLE:
            whole -= 1
        else:
            shown -= 1


def _generation(one: "GenerationSummary") -> dict[str, Any]:
    """What a ledger keeps of a generation; the build key is compared and therefore whole, other digests are shown."""
    return {
        "id": one.id,
        "buildKey": one.build_key,
        "contentDigest": one.content_digest[:DIGEST_SHOWN],
        "bytes": one.size_bytes,
        "documents": one.documents,
        "chunks": one.chunks,
        "dimensions": one.dimensions,
        "model": one.model,
        "modelDigest": one.model_digest[:DIGEST_SHOWN],
        "created": one.created,
        "reason": one.reason,
    }


def _in_short(one: "GenerationSummary") -> dict[str, Any]:
    """What a ledger needs of a generation to have it served or removed: the model is held for its questions."""
    return {"id": one.id, "buildKey": one.build_key, "model": one.model}


def _tell(file: Path, record: Mapping[str, Any]) -> None:
    """Writes what can be written: the error that is told of matters more than one of telling it."""
    try:
        write_outcome(file, record)
    except UsageError as error:
        print(f"clockifyrag: {error}", file=sys.stderr)


@contextmanager
def _writing(file: Path) -> Iterator[None]:
    """Within it an OSError of the file leaves as UsageError."""
    try:
        yield
    except OSError as error:
        raise UsageError(f"--outcome {file} cannot be written: {error.strerror or error}") from error


def _line(record: Mapping[str, Any]) -> bytes:
    return _json(record) + b"\n"


def _json(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "backslashreplace")
