"""The memo of earlier builds: it saves work, is given what decides a result, and never changes one."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clockifyrag_builder.corpus import chunked_corpus
from clockifyrag_builder.documents import Block, Document, Section
from clockifyrag_builder.memo import Memo, code_digest
from clockifyrag_builder.passages import ChunkLimits
from clockifyrag_builder.readers.parsed import parsed
from clockifyrag_builder.readers.read_log import ReadLog
from clockifyrag_builder.report import CleaningReport
from clockifyrag_builder.sources import PARSED, LocalSource
from clockifyrag_index.chunk import Chunk


@dataclass
class Work:
    """Counts what is made, and makes it."""

    made: list[Any] = field(default_factory=list)

    def of(self, memo: Memo, inputs: Any) -> Any:
        def make() -> Any:
            self.made.append(inputs)
            return {"from": inputs}

        return memo.of(inputs, make)


def saved(path: Path, *inputs: Any, maker: object = None) -> Memo:
    memo = Memo(path, maker)
    for one in inputs:
        Work().of(memo, one)
    memo.save()
    return memo


def test_what_was_made_before_is_not_made_again_and_is_the_same(tmp_path: Path) -> None:
    saved(tmp_path / "memo", "a", "b")
    work, memo = Work(), Memo(tmp_path / "memo")

    found = [work.of(memo, one) for one in ("b", "c", "a")]

    assert [{"from": "b"}, {"from": "c"}, {"from": "a"}] == found
    assert ["c"] == work.made


def test_what_a_build_did_not_use_is_forgotten(tmp_path: Path) -> None:
    saved(tmp_path / "memo", "a", "b")
    saved(tmp_path / "memo", "b")
    work, memo = Work(), Memo(tmp_path / "memo")

    for one in ("a", "b"):
        work.of(memo, one)

    assert ["a"] == work.made
    assert ["memo"] == [path.name for path in tmp_path.iterdir()]


def test_what_a_killed_build_left_of_its_memo_goes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "memo.4711-9f86d081").write_text("half of one")

    def ended(*_: object) -> Path:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched, pytest.raises(KeyboardInterrupt):
        patched.setattr(Path, "replace", ended)
        saved(tmp_path / "memo", "a")

    assert [] == list(tmp_path.iterdir())
    saved(tmp_path / "memo", "a")
    assert ["memo"] == [path.name for path in tmp_path.iterdir()]


def test_another_maker_or_other_code_finds_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    saved(tmp_path / "memo", "a", maker={"maxChars": 800})
    work = Work()

    work.of(Memo(tmp_path / "memo", {"maxChars": 400}), "a")
    work.of(Memo(tmp_path / "memo", {"maxChars": 800}), "a")
    monkeypatch.setattr("clockifyrag_builder.memo.code_digest", lambda: "another")
    work.of(Memo(tmp_path / "memo", {"maxChars": 800}), "a")

    assert ["a", "a"] == work.made


@pytest.mark.parametrize("name", ["orjson", "pyromark", "selectolax"])
def test_another_version_of_a_parser_is_other_code(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    before = code_digest.__wrapped__()

    monkeypatch.setattr("clockifyrag_builder.memo.version", lambda of: "99" if of == name else version(of))

    assert before != code_digest.__wrapped__()


def test_a_damaged_memo_gives_nothing_wrong(tmp_path: Path) -> None:
    path = tmp_path / "memo"
    saved(path, "a", "b", "c")
    whole = path.read_bytes()

    for damaged in [whole[:cut] for cut in range(0, len(whole), 5)] + [
        whole[:at] + bytes([whole[at] ^ 0x10]) + whole[at + 1 :] for at in range(0, len(whole), 5)
    ]:
        path.write_bytes(damaged)
        memo = Memo(path)
        assert [{"from": "a"}, {"from": "b"}, {"from": "c"}] == [Work().of(memo, one) for one in "abc"]


def test_a_memo_is_bounded_and_one_that_cannot_be_written_costs_nothing_else(tmp_path: Path) -> None:
    bounded, work = Memo(tmp_path / "memo", size_bytes_max=30), Work()
    for one in ("a", "b", "c"):
        Work().of(bounded, one)
    bounded.save()
    (tmp_path / "in the way").write_text("no folder")

    saved(tmp_path / "in the way" / "memo", "a")
    again = Memo(tmp_path / "memo")
    for one in ("a", "b", "c"):
        work.of(again, one)

    assert ["c"] == work.made


def test_half_a_surrogate_pair_is_made_each_time(tmp_path: Path) -> None:
    work = Work()

    found = [work.of(Memo(tmp_path / "memo"), "\ud800") for _ in range(2)]

    assert [{"from": "\ud800"}] * 2 == found


texts = st.text(max_size=30)
sections = st.builds(
    Section,
    st.tuples(texts),
    texts,
    st.lists(st.builds(Block, st.sampled_from(["text", "list", "table", "code"]), texts), max_size=3).map(tuple),
)


@given(texts, st.lists(sections, max_size=4).map(tuple), st.dictionaries(texts, st.integers(1, 9), max_size=3))
def test_parsed_sections_come_back_as_they_were(
    tmp_path_factory: pytest.TempPathFactory, title: str, found: tuple[Section, ...], left_out: dict[str, int]
) -> None:
    path = tmp_path_factory.mktemp("memo") / "memo"

    def parse(dropped: Counter[str]) -> tuple[str, tuple[Section, ...]]:
        dropped.update(left_out)
        return title, found

    def fails(dropped: Counter[str]) -> tuple[str, tuple[Section, ...]]:
        raise AssertionError("parsed again")

    first, again = ReadLog(memo=Memo(path)), ReadLog()
    before = parsed(first, ["text"], parse)
    first.memo.save()
    again.memo = Memo(path)
    after = parsed(again, ["text"], fails)

    assert (title, found) == before == after
    assert Counter(left_out) == first.dropped == again.dropped


def documents(work: Path, folder: Path) -> list[Document]:
    return list(LocalSource(folder, work, "Auto", "default", strict=False).documents())


def test_of_a_changed_folder_the_changed_file_alone_is_parsed_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, work = tmp_path / "docs", tmp_path / "work"
    folder.mkdir()
    for name in "abc":
        (folder / f"{name}.md").write_text(f"# About {name}\n\n5 min read\n\nText of {name}.\n")
    (folder / "d.jsonl").write_text('{"url": "https://example.org/d", "title": "D", "content": "Text of d."}\n')
    whole = documents(work, folder)
    (folder / "b.md").write_text("# About b\n\nAnother text.\n")
    taken: list[str] = []
    monkeypatch.setattr(
        "clockifyrag_builder.readers.markdown.markdown_events", counting(taken, "clockifyrag_builder.markdown_parser")
    )

    changed = documents(work, folder)

    assert 1 == len(taken) and "Another text." in taken[0]
    assert documents(tmp_path / "no work", folder) == changed
    assert [one for one in whole if one.title != "About b"] == [one for one in changed if one.title != "About b"]
    assert (work / PARSED).exists()


def counting(taken: list[str], module: str) -> Any:
    """The module's markdown_events, which notes each text."""
    from importlib import import_module

    original = import_module(module).markdown_events

    def events(text: str) -> Any:
        taken.append(text)
        return original(text)

    return events


LIMITS = ChunkLimits(max_chars=200, context_tokens=60, min_chars=40)


def words(text: str) -> int:
    return len(text.split())


def article(number: int, title: str = "") -> Document:
    text = Block("text", f"Sentence {number}. " * 30)
    parts = tuple(Section((f"Part {part}",), f"p{part}", (text,)) for part in (1, 1, 2))
    return Document(f"a{number}", "default", "", title or f"About {number}", "", "en", parts, "a.md")


def divided(
    corpus: list[Document], memo: Memo | None = None, count_tokens: Callable[[str], int] = words
) -> tuple[list[Chunk], CleaningReport]:
    chunked = chunked_corpus(lambda: corpus, LIMITS, count_tokens, memo=memo)
    return list(chunked.chunks()), chunked.report


def test_chunks_from_the_memo_are_those_made_without_it(tmp_path: Path) -> None:
    corpus = [article(0), article(1), article(2, "A title that is too long to be shown " * 9)]
    counted: list[str] = []

    plain, first = divided(corpus), divided(corpus, Memo(tmp_path / "memo"))
    again = divided(corpus, Memo(tmp_path / "memo"), lambda text: counted.append(text) or 1)  # type: ignore[func-returns-value]

    assert plain == first == again
    assert [] == counted


@pytest.mark.parametrize(
    "changed",
    [
        pytest.param(replace(article(1), title="Another title"), id="title"),
        pytest.param(replace(article(1), document_id="another"), id="id"),
        pytest.param(replace(article(1), title="", document_id="another"), id="id in place of a title"),
        pytest.param(replace(article(1), sections=article(1).sections[1:]), id="section gone"),
        pytest.param(
            replace(article(1), sections=tuple(replace(one, anchor="x") for one in article(1).sections)), id="anchor"
        ),
        pytest.param(
            replace(article(1), sections=tuple(replace(one, headings=("H", "I")) for one in article(1).sections)),
            id="headings",
        ),
        pytest.param(
            replace(article(1), sections=(Section((), "", (Block("code", article(1).sections[0].blocks[0].text),)),)),
            id="kind",
        ),
        pytest.param(replace(article(1), url="https://example.org/1", category="c", namespace="n"), id="address"),
    ],
)
def test_whatever_changes_in_a_document_its_chunks_are_those_of_a_whole_build(
    tmp_path: Path, changed: Document
) -> None:
    divided([article(0), article(1)], Memo(tmp_path / "memo"))

    found = divided([article(0), changed], Memo(tmp_path / "memo"))

    assert divided([article(0), changed]) == found
