"""`clockifyrag doctor`: what is wrong on this machine, and the next command to type for each thing."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated, Literal

import typer

State = Literal["ok", "warning", "problem"]

EXIT_PROBLEM = 1
OF_MAKE_RUN = ".run/help"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing looked at; `next` is a command or a setting, "" when there is nothing to do."""

    check: str
    state: State
    message: str
    next: str = ""


def doctor(
    root: Annotated[
        Path | None, typer.Option("--index", envvar="INDEX_ROOT", help="The index root; unset: .run/help.")
    ] = None,
    url: Annotated[str | None, typer.Option(help="A running server to ask as well.")] = None,
    ollama_url: Annotated[
        str | None, typer.Option(envvar="LLM_BASE_URL", help="Base URL of the Ollama server.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="JSON instead of text.")] = False,
) -> None:
    """Look for the usual problems: no index, Ollama refused, too little memory, slow search; say what to do."""
    from clockifyrag_cli.checks import findings
    from clockifyrag_cli.variables import said

    found = findings(root or Path(said("INDEX_ROOT") or OF_MAKE_RUN), url, ollama_url or said("LLM_BASE_URL"))
    if as_json:
        print(json.dumps([asdict(one) for one in found], indent=2))
    else:
        for one in found:
            print(f"{ {'ok': '✓', 'warning': '!', 'problem': '✗'}[one.state] } {one.check}: {one.message}")
            if one.next:
                print(f"    next: {one.next}")
    if any(one.state == "problem" for one in found):
        raise typer.Exit(EXIT_PROBLEM)
