"""Files: what can be wrong with one before its fields are looked at, each told with the file's name and a line."""

from pathlib import Path

import pytest
from rights import without_privileges

from clockifyrag_resource.errors import Problem, ResourceInvalid, ResourceUnreadable
from clockifyrag_resource.load import SIZE_BYTES_MAX, load_resource, parse_resource

HEAD = "apiVersion: clockifyrag.io/v1beta1\nkind: ClockifyRAG\nmetadata: {name: help}\n"
GOOD = HEAD + "spec: {source: {sample: {}}}\n"
QUOTED = "a key that is text, in quotes if it looks like something else"
LAUGHS = "a0: &a0 [x]\n" + "".join(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]\n" for n in range(1, 9))
CHAIN = "a0: &a0 [x]\n" + "".join(f"a{n}: &a{n} [*a{n - 1}]\n" for n in range(1, 60))

REFUSED = [
    pytest.param("", Problem("", "nothing", "one resource"), None, id="empty"),
    pytest.param("# soon\n---\n", Problem("", "nothing", "one resource"), None, id="only a remark"),
    pytest.param(
        f"{GOOD}---\n{GOOD}",
        Problem("", "2 documents", "one resource; put each into a file of its own"),
        6,
        id="two documents",
    ),
    pytest.param(
        GOOD + "spec: {}\n", Problem("spec", "it twice (first on line 4)", "each key once"), 5, id="a key twice"
    ),
    pytest.param(
        HEAD + "spec:\n  search:\n    replicas: 1\n    replicas: 2\n",
        Problem("spec.search.replicas", "it twice (first on line 6)", "each key once"),
        7,
        id="a key twice, deep inside",
    ),
    pytest.param(
        "a: [1",
        Problem("", "broken YAML (while parsing a flow sequence expected ',' or ']', but got '<stream end>')",
                "valid YAML"),
        1,
        id="an open bracket",
    ),
    pytest.param(
        "a:\n\tb: 1",
        Problem("", "broken YAML (while scanning for the next token found character '\\t' that cannot start any token)",
                "valid YAML"),
        2,
        id="a tab",
    ),
    pytest.param("a: b\nc: \x07", Problem("", "the character '\\x07'", "text without it"), 2, id="a bell"),
    pytest.param(r'a: "\0"', Problem("a", r"the character '\x00'", "text without it"), 1, id="a NUL by escape"),
    pytest.param(r'a: "\ud800"', Problem("a", r"the character '\ud800'", "text without it"), 1, id="half a character"),
    pytest.param(
        r'a: "\UFFFFFFFF"',
        Problem("", "broken YAML (Python int too large to convert to C int)", "valid YAML"),
        None,
        id="an escape beyond Unicode",
    ),
    pytest.param(
        LAUGHS,
        Problem("", "aliases that expand to 21111 values in 6 levels", "at most 20000 in 40"),
        5,
        id="a billion laughs",
    ),
    pytest.param(
        CHAIN,
        Problem("", "aliases that expand to 42 values in 42 levels", "at most 20000 in 40"),
        41,
        id="aliases as a chain",
    ),
    pytest.param("a: &a [*a]", Problem("", "a value that contains itself", "no such alias"), 1, id="a snake"),
    pytest.param("[" * 100_000, Problem("", "more than 40 levels", "a resource of ordinary size"), 1, id="too deep"),
    pytest.param("- a\n" * 30_000, Problem("", "more than 20000 values", "a resource of ordinary size"), 20_000,
                 id="too many"),
    pytest.param(
        HEAD + "spec: !!python/object/apply:os.system [exit]\n",
        Problem("spec", 'the tag "tag:yaml.org,2002:python/object/apply:os.system"', "a plain mapping or list"),
        4,
        id="a tag that runs code",
    ),
    pytest.param(
        HEAD + "spec: {pause: !!int all}\n",
        Problem("spec.pause", '"all" with the tag "tag:yaml.org,2002:int"', "text, a number, true or false"),
        4,
        id="a tag that does not fit",
    ),
    pytest.param(
        HEAD + "spec: {build: {deadlineSeconds: .nan}}\n",
        Problem("spec.build.deadlineSeconds", '".nan" with the tag "tag:yaml.org,2002:float"',
                "text, a number, true or false"),
        4,
        id="not a number",
    ),
    pytest.param(HEAD + "1: a\n", Problem("", 'the key "1"', QUOTED), 4, id="a key that is a number"),
    pytest.param(HEAD + "[a]: a\n", Problem("", "a key of several values", QUOTED), 4, id="a key that is a list"),
    pytest.param(
        HEAD + "<<: {spec: {}}\n", Problem("", "the merge key <<", "the fields written out"), 4, id="a merge key"
    ),
    pytest.param("- a", Problem("", "a list of 1", "a mapping with apiVersion clockifyrag.io/v1beta1"), 1, id="a list"),
    pytest.param(
        GOOD.replace("v1beta1", "v1"),
        Problem("apiVersion", '"clockifyrag.io/v1"', "clockifyrag.io/v1beta1"),
        1,
        id="another version",
    ),
    pytest.param(
        "apiVersion: clockifyrag.io/v1beta1\nspec: {a: b}\n", Problem("kind", "nothing", "ClockifyRAG"), None,
        id="no kind",
    ),
]  # fmt: skip


@pytest.mark.parametrize(("text", "expected", "line"), REFUSED)
def test_text_that_is_no_resource_is_refused_with_the_reason_and_the_line(
    text: str, expected: Problem, line: int | None
) -> None:
    with pytest.raises(ResourceInvalid) as refused:
        parse_resource(text, "my.yaml")

    assert ((expected,), line) == (refused.value.problems, refused.value.problems[0].line)


def test_of_another_kind_nothing_but_version_and_kind_is_said() -> None:
    text = "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: A}\nspec: {replicas: 3}\n"

    with pytest.raises(ResourceInvalid) as refused:
        parse_resource(text, "my.yaml")

    assert [
        'my.yaml:1: apiVersion: found "apps/v1", expected clockifyrag.io/v1beta1',
        'my.yaml:2: kind: found "Deployment", expected ClockifyRAG',
    ] == str(refused.value).splitlines()


def test_every_problem_is_one_line_with_file_and_line_in_the_order_of_the_file() -> None:
    text = HEAD + (
        "spec:\n"
        "  source: {sample: {}}\n"
        "  search:\n"
        "    config:\n"
        "      retreivalK: 4\n"
        "      retrievalK: 70\n"
        "    autoscaling: {minReplicas: 20}\n"
        "  pauze: All\n"
        "  ollama:\n"
    )

    with pytest.raises(ResourceInvalid) as refused:
        parse_resource(text, "my.yaml")

    assert [
        "my.yaml:8: spec.search.config.retreivalK: found a field that does not exist, "
        "expected retrievalK, the nearest field there is",
        "my.yaml:9: spec.search.config.retrievalK: found 70, expected a whole number from 1 to 50",
        "my.yaml:10: spec.search.autoscaling.minReplicas: found 20, expected at most maxReplicas, 10",
        "my.yaml:11: spec.pauze: found a field that does not exist, expected pause, the nearest field there is",
        "my.yaml:12: spec.ollama: found null, expected a mapping; or leave the field out, never null",
    ] == str(refused.value).splitlines()


def test_a_missing_field_is_told_at_the_line_of_what_should_hold_it() -> None:
    text = HEAD + "spec:\n  source:\n    http: {sha256: 0}\n"

    with pytest.raises(ResourceInvalid) as refused:
        parse_resource(text, "my.yaml")

    assert 6 == refused.value.problems[0].line
    assert "spec.source.http.url" in {problem.path for problem in refused.value.problems}


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(GOOD, id="YAML"),
        pytest.param(f"---\n{GOOD}---\n# the end\n", id="an empty document after it"),
        pytest.param('{"apiVersion": "clockifyrag.io/v1beta1", "kind": "ClockifyRAG", "metadata": {"name": "help"},'
                     ' "spec": {"source": {"sample": {}}}}', id="JSON"),
        pytest.param(GOOD + "status: {index: {documents: 3, model: null}}\n", id="as an API server tells it"),
        pytest.param(GOOD.replace("\n", "\r\n"), id="line ends of Windows"),
    ],
)  # fmt: skip
def test_the_same_resource_in_other_words_is_read(text: str) -> None:
    resource = parse_resource(text, "my.yaml")

    assert ("help", "sample") == (resource.metadata.name, resource.spec.source.kind)


def test_an_alias_is_the_value_it_names() -> None:
    text = HEAD + (
        "spec:\n  source: {sample: {}}\n"
        "  build: {resources: &small {limits: {cpu: 1}}}\n  search: {resources: *small}\n"
    )  # fmt: skip

    resource = parse_resource(text, "my.yaml")

    assert resource.spec.build.resources == resource.spec.search.resources


@pytest.mark.parametrize(("written", "value"), [("2024-01-31", "2024-01-31"), ("10:30", "10:30"), ('"7"', "7")])
def test_what_only_yaml_takes_for_a_date_or_a_number_stays_text(written: str, value: str) -> None:
    resource = parse_resource(HEAD.replace("{name: help}", f"{{name: a, annotations: {{a: {written}}}}}")
                              + "spec: {source: {sample: {}}}", "my.yaml")  # fmt: skip

    assert {"a": value} == resource.metadata.annotations


def test_a_file_is_read_with_its_byte_order_mark(tmp_path: Path) -> None:
    file = tmp_path / "my.yaml"
    file.write_bytes(b"\xef\xbb\xbf" + GOOD.encode())

    resource = load_resource(file)

    assert "help" == resource.metadata.name


def test_a_file_in_another_encoding_is_refused_with_the_line(tmp_path: Path) -> None:
    file = tmp_path / "my.yaml"
    file.write_bytes(b"# ok\n# caf\xe9\n")

    with pytest.raises(ResourceInvalid) as refused:
        load_resource(file)

    assert f"{file}:2: found the byte 0xe9, expected text in UTF-8" == str(refused.value)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    file = tmp_path / "none.yaml"

    with pytest.raises(ResourceUnreadable) as refused:
        load_resource(file)

    assert f"{file}: No such file or directory; expected a readable file with a ClockifyRAG in YAML" == str(
        refused.value
    )


def test_a_folder_is_not_a_file(tmp_path: Path) -> None:
    with pytest.raises(ResourceUnreadable, match="Is a directory"):
        load_resource(tmp_path)


def test_a_file_without_rights_is_named(tmp_path: Path) -> None:
    file = tmp_path / "my.yaml"
    file.write_text(GOOD)
    file.chmod(0)

    with without_privileges(), pytest.raises(ResourceUnreadable, match="Permission denied"):
        load_resource(file)


def test_a_file_larger_than_any_resource_is_not_read(tmp_path: Path) -> None:
    file = tmp_path / "my.yaml"
    file.write_text(GOOD + "#" * SIZE_BYTES_MAX)

    with pytest.raises(ResourceUnreadable, match=f"more than {SIZE_BYTES_MAX} bytes"):
        load_resource(file)
