"""OllamaModel: one model of one server; answers are checked, and asked for again while the server says "not now"."""

from collections.abc import Sequence

import numpy as np
import stamina

from clockifyrag_resource.profiles import ModelProfile, canonical_model

from ..errors import BadVectors, EmbedderError, EmbedderMismatch
from . import Vectors
from .checks import require_shape, same_digest, unit_length
from .ollama_server import OllamaServer, RequestRefused, Times, Unanswered

KEEP_ALIVE = -1  # a number: "-1" is refused by some versions. The model stays loaded; a cold one costs seconds
RETRY_AFTER_SECONDS_MAX = 60.0


class OllamaModel:
    """Several threads may ask at once; Ollama itself embeds one text at a time."""

    def __init__(self, server: OllamaServer, profile: ModelProfile, wanted_digest: str | None, times: Times) -> None:
        self._server = server
        self._profile = profile
        self._wanted_digest = wanted_digest
        self._times = times
        self._digest: str | None = None
        self.dimensions = profile.dimensions  # None until the first answer, where the profile does not know

    def vectors(self, inputs: Sequence[str], seconds: float, *, truncate: bool = False) -> Vectors:
        """(len(inputs), dimensions) float32 of length 1, from one request of at most `seconds`.

        TextRefused when a vector is not finite or zero; BadVectors for a wrong count or dimension; Unanswered or
        RequestRefused from the server; EmbedderError with what to type when it has no such model.
        """
        body = {"model": self._profile.model, "input": list(inputs), "truncate": truncate, "keep_alive": KEEP_ALIVE}
        try:
            answer = self._server.post("api/embed", body, seconds)
        except RequestRefused as error:
            if error.status == 404:
                raise self._missing("is not found") from error
            raise
        rows = _matrix(answer.get("embeddings"), self._profile.model)
        require_shape(rows, len(inputs), self.dimensions, self._profile.model)
        self.dimensions = rows.shape[1]
        return unit_length(rows)

    def vectors_in_time(self, inputs: Sequence[str], seconds: float, blamed: int = 2) -> Vectors:
        """As `vectors`, asked again until `seconds` are over; `blamed` times after an error that a text may cause."""
        for attempt in stamina.retry_context(
            on=_AnotherTry(blamed),
            attempts=None,
            timeout=max(0.0, seconds),
            wait_initial=self._times.wait_first,
            wait_max=self._times.wait_max,
            wait_jitter=self._times.wait_first,
        ):
            with attempt:
                return self.vectors(inputs, min(self._times.answer, max(self._times.wait_first, seconds)))
        raise AssertionError("the last attempt returns or raises")

    def digest(self, seconds: float, *, again: bool = True) -> str:
        """`sha256:…` of the model as the server lists it; asked once. EmbedderMismatch when another one is wanted."""
        if self._digest is None:
            found = self._listed_digest(seconds, again)
            if self._wanted_digest is not None and not same_digest(self._wanted_digest, found):
                raise EmbedderMismatch(
                    f"{self._profile.model} at {self._server.shown} has digest {found}, expected "
                    f"{self._wanted_digest}; pull the right version, or change embedding.digest and rebuild the index"
                )
            self._digest = found
        return self._digest

    def require_same(self, seconds: float) -> None:
        """EmbedderMismatch when the server lists another digest than it did when `digest` was first asked for."""
        if self._digest is None:
            return
        found = self._listed_digest(seconds, again=True)
        if found != self._digest:
            raise EmbedderMismatch(
                f"{self._profile.model} at {self._server.shown} was replaced while it embedded: it had digest "
                f"{self._digest} and has {found}; build again"
            )

    def _listed_digest(self, seconds: float, again: bool) -> str:
        digests: dict[str, str] = {}
        for attempt in stamina.retry_context(
            on=_AnotherTry(blamed=1_000_000 if again else 0),
            attempts=None if again else 1,
            timeout=seconds,
            wait_initial=self._times.wait_first,
            wait_max=2.0,
            wait_jitter=0,
        ):
            with attempt:
                digests = self._server.digests(min(seconds, self._times.answer))
        wanted = canonical_model(self._profile.model)
        if wanted not in digests:
            raise self._missing(f"is not among its models ({', '.join(sorted(digests)) or 'none'})")
        return f"sha256:{digests[wanted].removeprefix('sha256:')}"

    def _missing(self, found: str) -> EmbedderError:
        model = self._profile.model
        return EmbedderError(f"{model} {found} at {self._server.shown}; run `ollama pull {model}` there")


class _AnotherTry:
    """Whether, or after how many seconds, a failed request is worth repeating; a hook of stamina."""

    def __init__(self, blamed: int) -> None:
        self._blamed_left = blamed

    def __call__(self, error: Exception) -> bool | float:
        if not isinstance(error, Unanswered):
            return False
        if error.perhaps_text:
            self._blamed_left -= 1
            if self._blamed_left < 0:
                return False
        if error.retry_after_seconds is not None:
            return min(error.retry_after_seconds, RETRY_AFTER_SECONDS_MAX)
        return True


def _matrix(embeddings: object, model: str) -> Vectors:
    """The answered lists of numbers as (n, dimensions) float32, null as NaN. BadVectors for anything else."""
    if not isinstance(embeddings, list) or not all(isinstance(row, list) for row in embeddings):
        raise BadVectors(f"{model} answered no list of vectors; check that the address is an Ollama of 0.2 or newer")
    if len({len(row) for row in embeddings}) > 1:
        raise BadVectors(f"{model} answered vectors of several lengths; check the version of the model server")
    try:
        return np.array(embeddings, dtype=np.float32)
    except (TypeError, ValueError, OverflowError) as error:
        raise BadVectors(f"{model} answered vectors that hold something else than numbers ({error})") from error
