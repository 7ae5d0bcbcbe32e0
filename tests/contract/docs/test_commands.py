"""What a reader is told to type exists: words of make, commands and options of clockifyrag, modules, variables."""

import importlib.util
import re
import shlex
import subprocess
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import dropwhile
from pathlib import Path
from typing import Any

import pytest
import typer.main
from pages import ROOT, page, pages

from clockifyrag_cli.__main__ import app
from clockifyrag_operator.settings import Settings as OperatorSettings
from clockifyrag_service.settings import Settings

ROOT_COMMAND: Any = typer.main.get_command(app)
MAKEFILE = (ROOT / "Makefile").read_text()
TARGETS: dict[str, str] = dict(re.findall(r"^([a-z0-9-]+):[^#=\n]*(?:## (.*))?$", MAKEFILE, re.MULTILINE))
VARIABLE = re.compile(r"([A-Z][A-Z0-9_]*)=(.*)")
OTHERS_OPTIONS = {"--busy", "--url"}  # of the benchmarks and of scripts of the tests
READ_BY_OTHERS = {"HTTP_PROXY", "HTTPS_PROXY", "SSL_CERT_FILE", "PIP_INDEX_URL", "PIP_CERT"}


@dataclass(frozen=True)
class Typed:
    """What a page tells to type: the words after the program; within a line of text they may be a part only."""

    page: str
    words: tuple[str, ...]
    whole: bool


def typed(program: str) -> Iterator[Typed]:
    """Each use of the program on any page, variables before it left out."""
    for one in pages():
        lines = [(line, True) for line in one.shell_lines()] + [(code, False) for code in one.code]
        for line, whole in lines:
            words = list(dropwhile(VARIABLE.fullmatch, line.split() if "'" in line else shlex.split(line)))
            if words and words[0].rpartition("/")[2] == program:
                yield Typed(one.name, tuple(words[1:]), whole)


def each(program: str) -> list[Any]:
    return [pytest.param(use, id=f"{use.page}:{program} {' '.join(use.words)}") for use in typed(program)]


@pytest.mark.parametrize("use", each("make"))
def test_each_word_of_make_is_a_target(use: Typed) -> None:
    folder = use.words.index("-C") if "-C" in use.words else len(use.words)
    words = use.words[:folder] + use.words[folder + 2 :]

    targets = [word for word in words if not VARIABLE.fullmatch(word)]
    variables = [found[1] for word in words if (found := VARIABLE.fullmatch(word))]

    assert set() == set(targets) - TARGETS.keys()
    assert [] == [name for name in variables if f"$({name})" not in MAKEFILE]


def test_make_help_prints_each_target_that_has_a_remark_and_no_other() -> None:
    printed = subprocess.run(["make", "help"], cwd=ROOT, capture_output=True, text=True, check=True).stdout

    words = re.findall(r"^  make ([a-z0-9-]+) +(.+)$", printed, re.MULTILINE)

    assert {name: remark for name, remark in TARGETS.items() if remark} == dict(words)


def test_each_target_that_stands_for_itself_has_a_remark() -> None:
    needed = {name for line in re.findall(r"^[a-z-]+:([^#=\n]*)", MAKEFILE, re.MULTILINE) for name in line.split()}

    silent = {name for name, remark in TARGETS.items() if not remark}
    assert {"binaries", "setup", "setup-dev", "programs"} == silent & needed
    assert set() == silent - needed


def command_of(words: Sequence[str]) -> tuple[Any, tuple[str, ...]]:
    """The command that the first words name, and the rest."""
    command, rest = ROOT_COMMAND, tuple(words)
    while rest and rest[0] in getattr(command, "commands", {}):
        command, rest = command.commands[rest[0]], rest[1:]
    return command, rest


@pytest.mark.parametrize("use", each("clockifyrag"))
def test_each_command_and_option_parses(use: Typed) -> None:
    command, rest = command_of(use.words)
    options = {option for parameter in command.params for option in (*parameter.opts, *parameter.secondary_opts)}

    unknown = [word for word in rest if word.startswith("-") and word not in options | {"--help"}]

    assert [] == unknown
    if hasattr(command, "commands"):
        assert set() == set(rest) - {"--help", "…"}
    elif use.whole and "--help" not in rest:
        command.make_context(command.name, list(rest))  # raises for what is missing, left over or of another type


def test_each_option_that_is_named_alone_is_one_of_some_command() -> None:
    parameters = [parameter for command in commands(ROOT_COMMAND) for parameter in command.params]
    known = {option for one in parameters for option in (*one.opts, *one.secondary_opts)} | OTHERS_OPTIONS

    named = {(one.name, word) for one in pages() for code in one.code if code[0] == "-" for word in code.split()}

    assert 20 <= len(named)
    assert [] == [(name, word) for name, word in named if re.match(r"--\w", word) and word not in known]


def test_each_command_is_named_on_some_page() -> None:
    told = {id(command_of(use.words)[0]) for use in typed("clockifyrag")}

    assert [] == [command.name for command in commands(ROOT_COMMAND) if id(command) not in told]


def commands(command: Any) -> Iterator[Any]:
    """The commands below a group, or the command itself."""
    inner = getattr(command, "commands", None)
    if inner is None:
        yield command
    else:
        for below in inner.values():
            yield from commands(below)


TABLES = [
    pytest.param("A build", ("index", "build"), id="build"),
    pytest.param("One command for all of it", ("up",), id="up"),
]


@pytest.mark.parametrize(("heading", "words"), TABLES)
def test_a_table_of_options_holds_each_option(heading: str, words: tuple[str, ...]) -> None:
    (table,) = (found for found in page("docs/index.md").tables("option") if found.heading == heading)
    parameters = [{*one.opts, *one.secondary_opts} for one in command_of(words)[0].params]

    told = set(table.column(0))

    assert set() == told - set().union(*parameters)
    assert [] == [options for options in parameters if not options & told]


@pytest.mark.parametrize(("heading", "words"), TABLES)
def test_a_table_of_options_holds_their_defaults(heading: str, words: tuple[str, ...]) -> None:
    (table,) = (found for found in page("docs/index.md").tables("option", "default") if found.heading == heading)
    told = {row[0].split("`")[1]: row[1] for row in table.rows}

    expected = {
        one.opts[0]: str(one.default)
        for one in command_of(words)[0].params
        if one.default and isinstance(one.default, (str, int, Path)) and not isinstance(one.default, bool)
    }

    assert expected
    assert expected == {option: told[option] for option in expected}


def test_each_module_that_is_run_exists() -> None:
    modules = {name for one in pages() for name in re.findall(r"python3? -m ([\w.]+)", one.path.read_text())}

    found = {name for name in modules if (ROOT / name).is_dir() or importlib.util.find_spec(name)}

    assert {"bench", "clockifyrag_service", "clockifyrag_resource.document"} <= found
    assert set() == modules - found


def test_each_variable_that_is_named_is_read_somewhere() -> None:
    folders = ("crds", "index-builder", "service", "bench", "tools", "tests")
    code = "\n".join(file.read_text() for folder in folders for file in (ROOT / folder).rglob("*.py"))
    read = code + MAKEFILE + (ROOT / "index-builder" / "Dockerfile").read_text()
    settings = {*Settings.model_fields, *OperatorSettings.model_fields}
    known = {name.upper() for name in settings} | READ_BY_OTHERS

    named = {
        (one.name, variable)
        for one in pages()
        for text in (*one.code, *one.blocks("sh"))
        for variable in re.findall(r"(?<![\w-])[A-Z][A-Z0-9]*_[A-Z0-9_]+\b", text)
    }

    assert 40 <= len(named)
    assert set() == {(name, variable) for name, variable in named if variable not in known and variable not in read}
