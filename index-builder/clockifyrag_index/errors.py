"""What can go wrong with an index, drawn as a tree; the number is the exit code of `clockifyrag index build`.

    ClockifyRAGError    1
    ├── UsageError          2   a wrong argument
    ├── SourceError        30   documents cannot be read
    ├── EmbedderError      40   texts cannot be turned into vectors
    │   ├── EmbedderUnavailable   the model server does not answer in time (worth another try later)
    │   │   └── AskedInHaste          within less time than others get: that says nothing of the server
    │   ├── EmbedderMismatch      another model than the one the index was made with
    │   ├── BadVectors            an answer of the wrong count, dimension, or with NaN
    │   └── TextRefused           one text of several cannot be embedded; `position` says which
    ├── StorageError       50   the generations directory cannot be read or written
    │   ├── NoSpace               the volume is (or would be) full
    │   ├── RootLocked            another builder is at work
    │   ├── GenerationMissing     no generation of that id, or none published yet
    │   ├── GenerationDamaged     a file is not what the manifest says
    │   └── FormatUnsupported     written by a newer version
    ├── UnknownNamespace        a question for a namespace the index does not hold
    ├── UnknownItem             an article or chunk to explain that the index does not hold
    ├── RerankSkipped           nothing compared the results once more; `reason` says why
    └── DeadlineExceeded        not even the lexical leg fitted into the request's time

Each message says what was found, what was expected and what to do.
"""

from typing import Literal

SkipReason = Literal["no_model", "timeout", "busy", "unavailable"]


class ClockifyRAGError(Exception):
    """The root of all errors this package raises on purpose."""

    exit_code = 1


class UsageError(ClockifyRAGError):
    exit_code = 2


class SourceError(ClockifyRAGError):
    exit_code = 30


class EmbedderError(ClockifyRAGError):
    exit_code = 40


class EmbedderUnavailable(EmbedderError):
    pass


class AskedInHaste(EmbedderUnavailable):
    pass


class EmbedderMismatch(EmbedderError):
    pass


class BadVectors(EmbedderError):
    pass


class TextRefused(EmbedderError):
    """One text cannot be embedded, the others could: `position` counts from 0 among the texts of the call."""

    def __init__(self, position: int, reason: str) -> None:
        super().__init__(f"text {position} cannot be embedded: {reason}")
        self.position = position
        self.reason = reason


class StorageError(ClockifyRAGError):
    exit_code = 50


class NoSpace(StorageError):
    pass


class RootLocked(StorageError):
    pass


class GenerationMissing(StorageError):
    pass


class GenerationDamaged(StorageError):
    pass


class FormatUnsupported(StorageError):
    pass


class UnknownNamespace(ClockifyRAGError):
    """A question asked of a namespace the generation does not hold."""

    def __init__(self, namespace: str, known: tuple[str, ...]) -> None:
        super().__init__(f"namespace {namespace!r} is not in the index; it has {', '.join(known) or 'none'}")
        self.namespace = namespace
        self.known = known


class UnknownItem(ClockifyRAGError):
    """An id that no article and no chunk of the generation has; `nearest` is the article's id most like it."""

    def __init__(self, wanted: str, nearest: str | None) -> None:
        like = f"; did you mean {nearest!r}?" if nearest else ""
        super().__init__(f"no article and no chunk of the index has the id {wanted!r}{like}")
        self.wanted = wanted
        self.nearest = nearest


class RerankSkipped(ClockifyRAGError):
    """Nothing compared the results with the question once more in time; they keep their order."""

    def __init__(self, reason: SkipReason, message: str) -> None:
        super().__init__(message)
        self.reason: SkipReason = reason


class DeadlineExceeded(ClockifyRAGError):
    """Not even the lexical leg fitted into the time a request gave."""
