"""The console script `clockifyrag`: everything a person types, on a laptop or in a pod.

Commands import what they need when they run, so that `clockifyrag --help` answers at once and an image may leave out
what it never runs.
"""

import os
import sys
from collections.abc import Sequence
from itertools import pairwise

import typer

from clockifyrag_cli import doctor, evaluation, explaining, index, keys, models, searching, up
from clockifyrag_cli.failures import EXPECTED, exit_code, shown
from clockifyrag_index.errors import UsageError

# What stands before a file that is read: its name may be any bytes. Index roots are text, as FAISS wants their names.
BEFORE_A_FILE = ("--source", "--corpus", "--queries", "--qrels", "--file", "-f", "--authorization-file", "import")

app = typer.Typer(
    name="clockifyrag",
    help="Turns help-center articles into a search and answer service.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
app.command("up")(up.up)
app.add_typer(index.app, name="index")
app.add_typer(models.app, name="models")
app.command("search")(searching.search)
app.command("explain")(explaining.explain)
app.command("eval")(evaluation.evaluate)
app.command("doctor")(doctor.doctor)
app.add_typer(keys.app, name="keys")


def main(arguments: Sequence[str] | None = None) -> None:
    """Runs a command; what can go wrong ends in one clear message and the exit code of its kind."""
    given = sys.argv[1:] if arguments is None else list(arguments)
    try:
        _require_text(given)
        app(given)
    except EXPECTED as error:
        print(shown(error), file=sys.stderr)
        sys.exit(exit_code(error))
    except KeyboardInterrupt:
        sys.exit(130)  # as a shell does for SIGINT


def _require_text(arguments: Sequence[str]) -> None:
    """UsageError names an argument that is not UTF-8 and no file to read."""
    for before, argument in pairwise(("", *arguments)):
        try:
            argument.encode()
        except UnicodeEncodeError:
            option, _, _ = argument.partition("=")
            if before not in BEFORE_A_FILE and option not in BEFORE_A_FILE:
                after = f"{before} " if before.startswith("-") else ""
                shown = str(os.fsencode(argument))[1:]
                raise UsageError(f"the argument {after}{shown} is not UTF-8; expected text in UTF-8") from None


if __name__ == "__main__":
    main()
