"""Where passages begin and end, what they are called, and how they know each other: named cases."""

import unicodedata

import pytest

from clockifyrag_builder.chunks import chunk_document
from clockifyrag_builder.documents import Block, BlockKind, Document, Section
from clockifyrag_builder.passages import TOKENS_PER_CHAR_MAX, ChunkLimits
from clockifyrag_builder.splitting import pieces_of
from clockifyrag_index.chunk import Chunk
from clockifyrag_index.embedders.opening import open_embedder
from clockifyrag_index.errors import SourceError, UsageError
from clockifyrag_resource.profiles import LOCAL_MODELS, model_profile

LIMITS = ChunkLimits(max_chars=200, context_tokens=1000, min_chars=40)


def words(text: str) -> int:
    return len(text.split())


def section(*headings: str, text: str = "", anchor: str = "", kind: BlockKind = "text") -> Section:
    return Section(headings, anchor, (Block(kind, text),) if text else ())


def article(*sections: Section, title: str = "Timer", url: str = "https://example.org/timer") -> Document:
    return Document("help/timer", "default", url, title, "help", "en", sections, "timer.md")


def contents(*blocks: Block, limits: ChunkLimits = LIMITS) -> list[str]:
    return [chunk.content for chunk in chunk_document(article(Section((), "", blocks)), limits, words)]


SENTENCE = "The timer runs until it is stopped, in any of the apps. "  # 56 characters
STEPS = "\n".join(f"{number}. Press button number {number} now" for number in range(1, 10))
ROWS = "Plan | Price | Users\n" + "\n".join(
    f"Plan {letter} | {number} USD | unlimited" for number, letter in enumerate("ABCDEFGHI")
)
CODE = "\n".join(f"    step_{number} = timer.start({number})" for number in range(9))


@pytest.mark.parametrize(
    ("blocks", "expected"),
    [
        pytest.param(
            [Block("text", "First."), Block("list", "- a\n- b"), Block("code", "  x = 1")],
            ["First.\n\n- a\n- b\n\n  x = 1"],
            id="what fits stays together, code keeps its indentation",
        ),
        pytest.param(
            [Block("text", SENTENCE * 3), Block("text", SENTENCE * 2)],
            [(SENTENCE * 3).strip(), (SENTENCE * 2).strip()],
            id="paragraphs are parted before sentences are",
        ),
        pytest.param(
            [Block("text", (SENTENCE * 6).strip())],
            [(SENTENCE * 3).strip(), (SENTENCE * 3).strip() + ""],
            id="a long paragraph is parted evenly after a sentence",
        ),
        pytest.param(
            [Block("text", "x" * 250)],
            ["x" * 125, "x" * 125],
            id="a word without end is parted between characters",
        ),
        pytest.param(
            [Block("text", "e\u0301" * 100)],
            ["e\u0301" * 50, "e\u0301" * 50],
            id="an accent stays on its letter",
        ),
        pytest.param(
            [Block("text", " ".join(["word"] * 50))],
            [" ".join(["word"] * 25), " ".join(["word"] * 25)],
            id="a sentence without end is parted between words",
        ),
        pytest.param(
            [Block("text", SENTENCE * 2), Block("text", "To stop it:"), Block("list", STEPS[:104])],
            [(SENTENCE * 2).strip(), "To stop it:\n\n" + STEPS[:104]],
            id="a line that announces steps stands with them",
        ),
        pytest.param(
            [Block("text", SENTENCE * 2), Block("text", "How to stop it"), Block("text", SENTENCE * 2)],
            [(SENTENCE * 2).strip(), "How to stop it\n\n" + (SENTENCE * 2).strip()],
            id="a label stands with what it labels",
        ),
        pytest.param([Block("text", " \n ")], [""], id="white space is no text"),
        pytest.param(
            [Block("text", "時計を開始します。" * 24)],
            ["時計を開始します。" * 12] * 2,
            id="sentences without spaces are parted",
        ),
    ],
)
def test_passages_end_where_a_reader_would_pause(blocks: list[Block], expected: list[str]) -> None:
    found = contents(*blocks)

    assert expected == found


@pytest.mark.parametrize("kind", ["text", "list", "table", "code"])
@pytest.mark.parametrize("space", [" " * 300_000, "\n" * 300_000 + " ", " \n" * 150_000 + " "])
def test_a_long_space_is_passed_over_once(kind: BlockKind, space: str) -> None:
    pieces = pieces_of(Block(kind, f"one{space}two"), lambda text: True)

    assert f"one{space}two" == pieces[0].text + "".join(piece.glue + piece.text for piece in pieces[1:])


def test_a_list_is_parted_between_items_and_a_nested_line_stays_with_its_item() -> None:
    items = "\n".join(f"{number}. Open the page of settings\n  - and choose number {number}" for number in range(1, 7))

    found = contents(Block("list", items))

    assert items == "\n".join(found)
    assert all(part.splitlines()[0][0].isdigit() for part in found)


def test_a_table_is_parted_between_rows_and_repeats_its_header() -> None:
    found = contents(Block("table", ROWS))

    header, *rows = ROWS.splitlines()
    assert len(found) > 1
    assert all(part.splitlines()[0] == header for part in found)
    assert rows == [row for part in found for row in part.splitlines()[1:]]


def test_a_header_that_fills_half_a_passage_is_not_repeated() -> None:
    table = "Name of the plan as it is shown " * 4 + "| Price\n" + "\n".join(f"Plan {i} | {i} USD" for i in range(9))

    found = contents(Block("table", table))

    assert table.split() == " ".join(found).split()


def test_a_row_that_is_too_long_is_parted_between_cells() -> None:
    row = " | ".join(f"the cell of column {number} of this table" for number in range(9))

    found = contents(Block("table", f"A | B\n{row}"))

    assert all(part.startswith("A | B\n") for part in found)
    assert row.split() == " ".join(part.removeprefix("A | B\n") for part in found).split()


def test_code_is_parted_between_lines_and_keeps_its_indentation() -> None:
    found = contents(Block("code", CODE))

    assert len(found) > 1
    assert CODE == "\n".join(found)


def test_tokens_are_counted_only_where_a_text_may_have_more_than_the_context_holds() -> None:
    def never(text: str) -> int:
        raise AssertionError(f"counted {text!r}")

    document = article(Section((), "", (Block("text", SENTENCE * 20),)))
    enough = 300 * TOKENS_PER_CHAR_MAX
    assert len(chunk_document(document, ChunkLimits(300, enough), never)) > 3
    with pytest.raises(AssertionError, match="counted"):
        chunk_document(document, ChunkLimits(300, enough - 1), never)


@pytest.mark.parametrize("model", LOCAL_MODELS)
def test_no_tokenizer_makes_more_tokens_of_a_character_than_is_assumed(model: str) -> None:
    count = open_embedder("Local", model_profile(model)).count_tokens
    expanding = [chr(code) for code in range(0x110000) if len(unicodedata.normalize("NFKC", chr(code))) > 3]
    assert len(expanding) > 50
    for character in (*expanding, "\u20ac", "\U0001f469", "\U000e0061"):
        assert count(character * 100) <= 100 * TOKENS_PER_CHAR_MAX


def test_where_characters_fit_and_tokens_do_not_the_tokens_decide() -> None:
    limits = ChunkLimits(max_chars=800, context_tokens=50)

    chunks = chunk_document(article(section(text="時計を開始します。" * 30)), limits, len)

    assert len(chunks) > 5
    assert all(len(chunk.embedded_text) <= 50 for chunk in chunks)
    assert "時計を開始します。" * 30 == "".join(chunk.content for chunk in chunks)


def test_the_limit_counts_the_document_prefix() -> None:
    prefix = "search_document: "
    limits = ChunkLimits(max_chars=120, context_tokens=1000, min_chars=0, document_prefix=prefix)

    chunks = chunk_document(article(section(text=SENTENCE * 9)), limits, words)

    assert all(len(prefix + chunk.embedded_text) <= 120 for chunk in chunks)
    assert (SENTENCE * 9).split() == " ".join(chunk.content for chunk in chunks).split()


def test_small_neighbours_below_one_heading_join_and_keep_their_headings_in_the_text() -> None:
    document = article(
        section("FAQ", anchor="faq"),
        section("FAQ", "Is it free?", text="Yes, for ever.", anchor="free"),
        section("FAQ", "Is it fast?", text="Yes, very much so.", anchor="fast"),
        section("Prices", text="Ask us for the price.", anchor="prices"),
    )

    first, second = chunk_document(document, LIMITS, words)

    assert ("Timer › FAQ", "https://example.org/timer#free") == (first.breadcrumb, first.url)
    assert "Is it free?\n\nYes, for ever.\n\nIs it fast?\n\nYes, very much so." == first.content
    assert ("Timer › Prices", "Ask us for the price.") == (second.breadcrumb, second.content)


JOINED = [
    pytest.param([("A", 30), ("B", 30), ("C", 90)], [("A", "B"), ("C",)], id="small ones join until there is enough"),
    pytest.param([("A", 90), ("B", 30)], [("A",), ("B",)], id="not where both together are too much"),
    pytest.param([("A", 45), ("B", 30)], [("A", "B")], id="the last one joins backwards"),
    pytest.param([("A", 90), ("B", 90)], [("A",), ("B",)], id="large ones stand alone"),
    pytest.param([("A", 30), ("B", 0), ("C", 30)], [("A", "B", "C")], id="a heading without text joins"),
    pytest.param([("A", 90), ("B", 0)], [("A", "B")], id="a last heading without text joins backwards"),
]


@pytest.mark.parametrize(("sizes", "expected"), JOINED)
def test_small_sections_join_until_there_is_enough(
    sizes: list[tuple[str, int]], expected: list[tuple[str, ...]]
) -> None:
    limits = ChunkLimits(max_chars=400, context_tokens=1000, min_chars=50)
    sections = [section(heading, text=f"{heading.lower() * size}") for heading, size in sizes]

    chunks = chunk_document(article(*sections), limits, words)

    assert ["".join(joined).lower() for joined in expected] == [letters(chunk) for chunk in chunks]


def letters(chunk: Chunk) -> str:
    """The sections a chunk holds, by the letter of which each consists."""
    return "".join(sorted({letter for letter in chunk.embedded_text.removeprefix("Timer").lower() if letter in "abc"}))


def test_sections_below_different_headings_do_not_join() -> None:
    document = article(section("Web", "Start", text="Click Start."), section("Mobile", "Start", text="Tap Start."))

    chunks = chunk_document(document, LIMITS, words)

    assert [("Web", "Start"), ("Mobile", "Start")] == [chunk.headings for chunk in chunks]


def test_the_parent_is_the_first_chunk_of_the_nearest_section_around() -> None:
    document = article(
        section(text=SENTENCE),
        section("Reports", text=SENTENCE * 5),
        section("Reports", "Export", text=SENTENCE),
        section("Reports", "Export", "As CSV", text=SENTENCE),
        section("Prices", "Yearly", text=SENTENCE),
    )

    chunks = chunk_document(document, LIMITS, words)

    by_id = {chunk.chunk_id: chunk.position for chunk in chunks}
    found = [(chunk.headings, by_id[chunk.parent] if chunk.parent else None) for chunk in chunks]
    assert [
        ((), None),
        (("Reports",), 0),
        (("Reports",), 0),
        (("Reports", "Export"), 1),
        (("Reports", "Export", "As CSV"), 3),
        (("Prices", "Yearly"), 0),
    ] == found


def test_a_document_without_text_is_one_chunk_of_title_and_headings() -> None:
    document = article(section("Start"), section("Stop"), section("Stop", "On mobile"), title="Billing")

    (chunk,) = chunk_document(document, LIMITS, words)

    assert ("", "Billing › Start › Stop › On mobile") == (chunk.content, chunk.embedded_text)


def test_a_document_without_title_is_called_by_its_id() -> None:
    (chunk,) = chunk_document(article(title=" "), LIMITS, words)

    assert "help/timer" == chunk.embedded_text


BREADCRUMBS = [
    pytest.param("Timer", ("A", "B"), "Timer › A › B", id="what fits is kept"),
    pytest.param(
        "Timer",
        ("A" * 40, "B" * 20, "C" * 20),
        "Timer › … › " + "B" * 20 + " › " + "C" * 20,
        id="upper headings go first",
    ),
    pytest.param(
        "Timer",
        ("Where do I find the timer, and how can it be started in every one of the apps",),
        "Timer › Where do I find the timer, and how can it be started in…",
        id="a long heading is cut at a word",
    ),
    pytest.param(
        "How to track time with the timer in the browser and in every one of the apps",
        ("Start",),
        "How to track time with the timer in the browser and in… › Start",
        id="a long title is cut at a word",
    ),
]


@pytest.mark.parametrize(("title", "headings", "expected"), BREADCRUMBS)
def test_a_long_breadcrumb_is_shortened_and_what_it_lost_stands_in_the_text(
    title: str, headings: tuple[str, ...], expected: str
) -> None:
    document = article(section(*headings, text=SENTENCE * 4), title=title)

    chunks = chunk_document(document, LIMITS, words)

    assert {expected} == {chunk.breadcrumb for chunk in chunks}
    everything = " ".join(chunk.embedded_text for chunk in chunks)
    assert all(text in everything for text in (title, *headings))


URLS = [
    pytest.param("https://example.org/timer", "start", "https://example.org/timer#start", id="URL and anchor"),
    pytest.param("https://example.org/timer", "", "https://example.org/timer", id="no anchor"),
    pytest.param("", "start", "/articles/help/timer#start", id="no URL: the service shows it"),
]


@pytest.mark.parametrize(("url", "anchor", "expected"), URLS)
def test_the_url_is_that_of_the_section(url: str, anchor: str, expected: str) -> None:
    (chunk,) = chunk_document(article(section("Start", text="Click.", anchor=anchor), url=url), LIMITS, words)

    assert expected == chunk.url


def test_the_id_of_a_document_is_quoted_in_its_address() -> None:
    document = Document("über uns/team?", "default", "", "Team", "", "", (), "team.md")

    (chunk,) = chunk_document(document, LIMITS, words)

    assert "/articles/%C3%BCber%20uns/team%3F" == chunk.url


def test_chunk_ids_are_those_of_the_stated_rule() -> None:
    document = article(section("Start", text="Click  START."))

    (chunk,) = chunk_document(document, LIMITS, words)

    # printf '["help/timer", ["Start"], "click start.", 0]' | sha256sum
    assert "a4f54da3551e3bdb" == chunk.chunk_id


def test_equal_parts_of_one_section_have_their_own_ids() -> None:
    chunks = chunk_document(article(section(text="x" * 250)), LIMITS, words)

    assert ["x" * 125, "x" * 125] == [chunk.content for chunk in chunks]
    assert 2 == len({chunk.chunk_id for chunk in chunks})


@pytest.mark.parametrize(
    ("max_chars", "min_chars", "prefix", "message"),
    [
        pytest.param(99, 0, "", "maxChars is 99", id="too short"),
        pytest.param(110, 0, "search_document: ", "set it to 117 or more", id="too short for the prefix"),
        pytest.param(200, 300, "", "minChars is 300", id="more at least than at most"),
    ],
)
def test_limits_without_room_are_refused(max_chars: int, min_chars: int, prefix: str, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        ChunkLimits(max_chars, 100, min_chars, prefix)


def test_a_context_without_room_for_one_character_is_told() -> None:
    with pytest.raises(SourceError, match="found no room for 'T'"):
        chunk_document(article(section(text="Text")), ChunkLimits(200, 3), lambda text: len(text) + 10)
