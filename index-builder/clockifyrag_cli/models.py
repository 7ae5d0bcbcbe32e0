"""`clockifyrag models …`: brings the models that a resource needs to an Ollama, before anybody asks it for vectors."""

import json
from pathlib import Path
from typing import Annotated

import typer

from clockifyrag_cli.ending import ended_by_sigterm
from clockifyrag_cli.outcome import told_failure, write_outcome
from clockifyrag_index.errors import UsageError

app = typer.Typer(help="Bring models to an Ollama.", no_args_is_help=True)


@app.callback()
def models() -> None:
    """A group by itself, so that `pull` stays a word to type."""


@app.command()
def pull(
    model: Annotated[list[str], typer.Option(help="The model to have there; may be repeated.")],
    url: Annotated[str, typer.Option(help="Base URL of the Ollama server.")] = "http://127.0.0.1:11434",
    digest: Annotated[
        list[str] | None, typer.Option(help="NAME=HEX: refuse any other model under this name; may be repeated.")
    ] = None,
    registry: Annotated[
        str | None, typer.Option(help="HOST or HOST/NAMESPACE to pull from, http://… without TLS; unset: Ollama's.")
    ] = None,
    wait_seconds: Annotated[float, typer.Option(min=0, help="Until the server answers for the first time.")] = 60,
    deadline_seconds: Annotated[float, typer.Option(min=1, help="For all models together.")] = 3600,
    outcome: Annotated[Path | None, typer.Option(help="Write the summary or the failure there.")] = None,
) -> None:
    """Wait for an Ollama, and pull what it has not. Exit codes: 0 all there, 2 usage, 40 not, or another digest."""
    with ended_by_sigterm(), told_failure(outcome):
        from clockifyrag_cli.pulling import Wanted, pulled
        from clockifyrag_index.retries import tell_retries

        digests = dict(map(_pair, digest or ()))
        unknown = digests.keys() - set(model)
        if unknown:
            raise UsageError(f"--digest names {', '.join(sorted(unknown))}, which no --model does")
        tell_retries()
        wanted = [Wanted(name, digests.get(name)) for name in dict.fromkeys(model)]
        summary = pulled(url, wanted, registry, wait_seconds=wait_seconds, deadline_seconds=deadline_seconds)
        if outcome:
            write_outcome(outcome, summary)
    print(json.dumps(summary))


def _pair(text: str) -> tuple[str, str]:
    """Name and digest of `NAME=HEX`."""
    name, equals, found = text.rpartition("=")
    bare = found.removeprefix("sha256:")
    if not (equals and name and len(bare) >= 12 and set(bare.lower()) <= set("0123456789abcdef")):
        raise UsageError(
            f"--digest is {text[:100]!r}; expected NAME=HEX of 12 digits or more, as in nomic-embed-text=0a109f422b47"
        )
    return name, found
