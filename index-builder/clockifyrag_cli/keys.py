"""`clockifyrag keys new`: an API key for a caller, and the line that admits it."""

import json
import time
from typing import Annotated

import typer

app = typer.Typer(help="API keys of the search service.", no_args_is_help=True)


@app.callback()
def group() -> None:
    """API keys of the search service."""


@app.command("new")
def new(
    key_id: Annotated[str, typer.Argument(help="Name of the caller: a-z, 0-9 and -, at most 32.")],
    scopes: Annotated[str, typer.Option(help="Comma-separated: search, chat, analytics, admin.")] = "search,chat",
    not_after: Annotated[str | None, typer.Option(help="Last day it is valid: 2030-12-31.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object instead of text.")] = False,
) -> None:
    """Print a new key and the line for the keys file; the key is stored nowhere, so keep it."""
    from clockifyrag_index.api_keys import KeysInvalid, new_key, parsed_key
    from clockifyrag_index.errors import UsageError

    try:
        key, line = new_key(key_id, scopes.split(","), not_after)
    except KeysInvalid as error:
        raise UsageError(str(error).removeprefix("line 1: ")) from error
    if not parsed_key(line, 1).valid_at(time.time()):
        raise UsageError(
            f"--not-after {not_after} is over, so the key would be refused; give a day that is still to come"
        )
    if as_json:
        print(json.dumps({"key": key, "line": line}))
    else:
        print(
            f"{key}\n\nAdd this line to the file of API_KEYS_FILE, or to the Secret's key clockifyrag-api-keys:\n{line}"
        )
