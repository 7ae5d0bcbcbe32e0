"""Variables: what the environment says, else `.env`, which a server started in the same folder reads as well."""

import os

from clockifyrag_index.errors import UsageError

FILE = ".env"


def said(variable: str) -> str | None:
    """The value of a variable; None where both leave it unset or empty. UsageError for a file that is no text."""
    return os.environ.get(variable) or _of_file().get(variable)


def _of_file() -> dict[str, str]:
    """What the file sets; nothing in an image without the server, which brings the reader of such files."""
    try:
        from dotenv import dotenv_values
    except ModuleNotFoundError:
        return {}
    try:
        found = dotenv_values(FILE)
    except UnicodeDecodeError as error:
        raise UsageError(f"{FILE} is no text in UTF-8; write it anew, a line NAME=value for each variable") from error
    return {name.upper(): value for name, value in found.items() if value}
