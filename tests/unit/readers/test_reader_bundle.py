"""`[ARTICLE]` bundles: many articles in one Markdown file."""

import pytest

from clockifyrag_builder.readers import ReadLog


def test_each_article_of_a_bundle_is_a_document_with_its_address(read, drawn):
    log = ReadLog()
    bundle = (
        "Exported today\n\n# [ARTICLE] First\nurl: https://Example.com/help/first/\n\nOne.\n## Sub\nTwo.\n---\n\n"
        "# [ARTICLE] Second\n\nhttps://example.com/help/more/second\nThree.\n"
        "# [ARTICLE] Third\n\nNo address.\n"
    )

    first, second, third = read("export.txt", bundle, log=log)

    assert "§\ntext:\n|One.\n§ Sub #sub\ntext:\n|Two." == drawn(first)
    assert "§\ntext:\n|Three." == drawn(second)
    assert "§\ntext:\n|No address." == drawn(third)
    assert [
        ("First", "example.com/help/first", "https://example.com/help/first/", "export.txt:3"),
        ("Second", "example.com/help/more/second", "https://example.com/help/more/second", "export.txt:11"),
        ("Third", "export/third", "", "export.txt:15"),
    ] == [(document.title, document.document_id, document.url, document.origin) for document in (first, second, third)]
    assert ["2 lines above the first [ARTICLE]"] == [skipped.reason for skipped in log.skipped]


@pytest.mark.parametrize(
    "line",
    [
        "url: https://example.com/a",
        "URL:https://example.com/a",
        "**URL:** https://example.com/a",
        "**URL**: <https://example.com/a>",
        "*<https://example.com/a>*",
        "Source: [https://example.com/a](https://example.com/a)",
        "- link: https://example.com/a",
        "https://example.com/a",
        "\n\n  https://example.com/a  ",
    ],
)
def test_the_address_is_found_however_it_is_written(read, drawn, line):
    [document] = read("a.md", f"# [ARTICLE] A\n{line}\nText")

    assert ("https://example.com/a", "§\ntext:\n|Text") == (document.url, drawn(document))


@pytest.mark.parametrize(
    "first_line", ["See https://example.com/a for more.", "urls: none", "The url: was lost", "A short history"]
)
def test_a_first_line_that_is_no_address_stays_text(read, first_line):
    [document] = read("a.md", f"# [ARTICLE] A\n{first_line}\n")

    assert ("", first_line) == (document.url, document.sections[0].blocks[0].text)


def test_articles_of_one_name_without_address_are_told_apart(read):
    log = ReadLog()

    documents = read("a.md", "# [ARTICLE] Same\n\nOne\n# [ARTICLE] Same\n\nTwo\n", log=log)

    assert ["a/same", "a/same~2"] == [document.document_id for document in documents]
    assert "a.md:4" == log.id_clashes[0].origin
