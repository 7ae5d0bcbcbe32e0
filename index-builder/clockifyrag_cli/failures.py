"""Failures: which errors a command ends with on purpose, and how they are shown."""

from clockifyrag_index.errors import ClockifyRAGError
from clockifyrag_resource.errors import ResourceError

EXPECTED = (ClockifyRAGError, ResourceError)

EXIT_USAGE = 2


def exit_code(error: BaseException) -> int:
    """The exit code of an expected error: 2 usage, 30 source, 40 embedder, 50 storage; a wrong resource is usage."""
    return error.exit_code if isinstance(error, ClockifyRAGError) else EXIT_USAGE


def shown(error: BaseException) -> str:
    """The message alone: it says what was found, what was expected and what to do."""
    return f"clockifyrag: {error}"
