"""`--help` of every command: a text of ours that the help's own markup stumbles over ends in a traceback."""

from collections.abc import Iterator

import pytest
import typer

from clockifyrag_cli.__main__ import app, main


def command_lines(group: typer.Typer, before: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """The words of every command and of every group of them."""
    yield before
    for command in group.registered_commands:
        assert command.callback, f"a command of {before or 'clockifyrag'} does nothing"
        yield (*before, command.name or command.callback.__name__.replace("_", "-"))
    for inner in group.registered_groups:
        assert inner.typer_instance and isinstance(inner.name, str), f"a group of {before or 'clockifyrag'} has no name"
        yield from command_lines(inner.typer_instance, (*before, inner.name))


@pytest.mark.parametrize("words", [pytest.param(words, id=" ".join(words) or "alone") for words in command_lines(app)])
def test_every_command_tells_what_it_takes(words: tuple[str, ...], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main([*words, "--help"])

    assert 0 == ended.value.code
    assert " ".join(words) in capsys.readouterr().out
