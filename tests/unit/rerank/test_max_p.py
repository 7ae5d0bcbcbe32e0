"""MaxP: the nearest window speaks for its passage, and a passage is embedded once."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import pytest

from clockifyrag_index.embedders import EmbedderIdentity, Vectors
from clockifyrag_index.embedders.opening import open_embedder
from clockifyrag_index.errors import EmbedderUnavailable, TextRefused
from clockifyrag_index.max_p import MaxP
from clockifyrag_index.windows import windows
from clockifyrag_resource.profiles import ModelProfile, model_profile

IDENTITY = EmbedderIdentity("letters", "sha256:" + "0" * 64, 3, 512, "", "")
PROFILE = ModelProfile("letters", 3, context_tokens=60)
FILLER = "and so on and on, as it takes to fill a window"  # 46 of 60


@dataclass
class Letters:
    """Directions from the letters x, y and z, which is against x: every cosine can be worked out by hand."""

    refused: str = ""  # texts with this word cannot be embedded
    texts: list[list[str]] = field(default_factory=list)
    timeouts: list[float | None] = field(default_factory=list)
    identity: EmbedderIdentity = IDENTITY

    def embed_documents(self, texts: Sequence[str]) -> Vectors:
        for position, text in enumerate(texts):
            if self.refused and self.refused in text:
                raise TextRefused(position, "it is not to be read")
        self.texts.append(list(texts))
        return np.stack([self._direction(text) for text in texts]) if texts else np.empty((0, 3), np.float32)

    def embed_question(self, text: str, timeout_seconds: float | None = None) -> Vectors:
        self.timeouts.append(timeout_seconds)
        return self._direction(text)

    def count_tokens(self, text: str) -> int:
        return len(text)

    def close(self) -> None:
        pass

    def _direction(self, text: str) -> Vectors:
        counts = np.array([text.count("x") - text.count("z"), text.count("y"), 0], np.float32)
        return counts / max(float(np.linalg.norm(counts)), 1e-9)


def scores(reranker: MaxP, question: str, *passages: str) -> list[float]:
    return [round(float(one), 6) for one in reranker.scores(question, passages, 1.0)]


def test_a_passage_counts_as_its_nearest_window_does() -> None:
    near = f"y\n{FILLER} yy.\n{FILLER} xxxxxx.\n{FILLER} y"
    between = f"y\n{FILLER} x"
    far = f"y\n{FILLER} y.\n{FILLER} y"

    found = scores(MaxP(Letters(), PROFILE), "x", near, between, far)

    assert [round(6 / 37**0.5, 6), round(0.5**0.5, 6), 0.0] == found


def test_a_cosine_below_zero_is_none() -> None:
    assert [0.0, 0.0] == scores(MaxP(Letters(), PROFILE), "x", "z", "zzyx")


def test_the_score_of_a_passage_does_not_depend_on_its_company() -> None:
    passages = [f"xy\n{FILLER} {'x' * count}{'y' * (5 - count)}\n{FILLER} y" for count in range(6)]

    together = scores(MaxP(Letters(), PROFILE), "xxy", *passages)
    alone = [scores(MaxP(Letters(), PROFILE), "xxy", passage)[0] for passage in reversed(passages)]

    assert together == alone[::-1]


def test_a_passage_is_embedded_once_and_a_window_of_several_passages_once() -> None:
    letters = Letters()
    reranker = MaxP(letters, PROFILE)
    one, two = f"x\n{FILLER} y\n{FILLER} y", f"x\n{FILLER} y\n{FILLER} z"

    scores(reranker, "x", one, two, one)
    again = scores(reranker, "y", two, one)

    assert [[f"x\n{FILLER} y", f"x\n{FILLER} z"]] == letters.texts
    assert [round(0.5**0.5, 6)] * 2 == again


def test_what_no_longer_fits_is_forgotten_and_embedded_again() -> None:
    letters = Letters()
    reranker = MaxP(letters, PROFILE, kept_bytes=24)  # two windows of three dimensions

    first = [scores(reranker, "x", passage) for passage in ("x one", "xy two", "xxy three", "x one")]
    second = scores(MaxP(Letters(), PROFILE), "x", "x one")

    assert [["x one"], ["xy two"], ["xxy three"], ["x one"]] == letters.texts
    assert first[3] == first[0] == second


def test_a_window_that_cannot_be_read_is_left_out_and_a_passage_without_any_has_no_score() -> None:
    passages = (f"x\n{FILLER} bad\n{FILLER} x", "bad", "x", "")

    assert [1.0, 0.0, 1.0, 0.0] == scores(MaxP(Letters(refused="bad"), PROFILE), "x", *passages)


def test_a_model_that_fails_is_told_as_such_and_nothing_is_kept_of_it() -> None:
    class Down(Letters):
        def embed_documents(self, texts: Sequence[str]) -> Vectors:
            raise EmbedderUnavailable("down")

    letters = Letters()
    reranker = MaxP(Down(), PROFILE)

    with pytest.raises(EmbedderUnavailable):
        scores(reranker, "x", "x")

    reranker._embedder = letters
    assert [1.0] == scores(reranker, "x", "x")


def test_the_question_has_the_time_of_the_search() -> None:
    letters = Letters()

    MaxP(letters, PROFILE).scores("x", ["x"], 0.25)

    assert [0.25] == letters.timeouts


def test_with_a_model_of_the_process_scores_are_the_cosines_of_windows() -> None:
    profile = model_profile("wordllama")
    embedder = open_embedder("Local", profile)
    passages = [
        "Timer\nStart the timer in the morning and stop it in the evening, every single day of the week.\n"
        "Somebody who forgets to stop it gets a reminder by e-mail after ten hours of running time.",
        "Invoices\nAn invoice can be sent to the client as a PDF, or a link to it can be copied instead.",
    ]

    found = MaxP(embedder, replace(profile, context_tokens=30)).scores("a reminder to stop the timer", passages, 1.0)

    vector = embedder.embed_question("a reminder to stop the timer")
    parts = [windows(one, lambda text: embedder.count_tokens(text) <= 30) for one in passages]
    expected = [max(0.0, *(float(row @ vector) for row in embedder.embed_documents(one))) for one in parts]
    assert len(parts[0]) > 1
    assert np.allclose(expected, found, atol=1e-6)
    assert found[0] > found[1]
    embedder.close()
