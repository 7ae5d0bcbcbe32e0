"""Process: serving with the settings of the environment and `.env`, from the first message to the exit code.

Exit codes: 0 after a signal, 2 for wrong settings or a taken port.
"""

import sys
from collections.abc import Callable

from pydantic import ValidationError

from clockifyrag_index.garbage import put_off_collection

from .memory import give_memory_back
from .settings import Settings, problems_of
from .threads import limit_library_threads, take_short_turns


def main() -> int:
    try:
        settings = Settings()
    except ValidationError as error:
        for line in problems_of(error):
            print(f"clockifyrag: {line}", file=sys.stderr)
        return 2
    return serve(settings, announce)


def serve(settings: Settings, started: Callable[[str], None] | None = None) -> int:
    """Serves until SIGTERM or Ctrl-C; `started` is told the address. Returns the exit code."""
    put_off_collection()  # until the loader has looked once; `python -m clockifyrag_service` did so before it came here
    limit_library_threads(settings.max_workers)  # before numpy and faiss are imported, which read this once
    take_short_turns()
    give_memory_back()
    from .server import PortTaken, SettingsUnusable, run

    try:
        run(settings, started)
    except (PortTaken, SettingsUnusable) as error:
        print(f"clockifyrag: {error}", file=sys.stderr)
        return 2
    return 0


def announce(url: str) -> None:
    """Tells the address on standard output, where a person or a program that started us reads it."""
    print(f"Serving on {url}", flush=True)
