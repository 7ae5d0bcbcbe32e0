"""The console script `clockifyrag`: everything a person types, on a laptop or in a pod.

Commands import what they need when they run, so that `clockifyrag --help` answers at once and an image may leave out
what it never runs.
"""

import sys
from collections.abc import Sequence

import typer

from clockifyrag_cli import doctor, evaluation, explaining, index, keys, models, searching, up
from clockifyrag_cli.failures import EXPECTED, exit_code, shown

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
    try:
        app(arguments)
    except EXPECTED as error:
        print(shown(error), file=sys.stderr)
        sys.exit(exit_code(error))
    except KeyboardInterrupt:
        sys.exit(130)  # as a shell does for SIGINT


if __name__ == "__main__":
    main()
