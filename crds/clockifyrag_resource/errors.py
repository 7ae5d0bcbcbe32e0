"""What can go wrong with a resource, drawn as a tree; `exit_code` is what a command line ends with.

ResourceError           2
├── ResourceUnreadable      the file is missing, too large, or may not be read
└── ResourceInvalid         it was read and is not a valid ClockifyRAG; `problems` says where and why
"""

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong with a resource: where, what was found and what was expected there."""

    path: str  # "spec.search.config.retrievalK", "spec.source.crawl.allow[0]"; "" for the document as a whole
    found: str
    expected: str
    line: int | None = field(default=None, compare=False)  # counted from 1; None when it has no place in a file

    def __str__(self) -> str:
        place = f"{self.path}: " if self.path else ""
        return f"{place}found {self.found}, expected {self.expected}"


class ResourceError(Exception):
    """The root of all errors this package raises on purpose."""

    exit_code = 2


class ResourceUnreadable(ResourceError):
    pass


class ResourceInvalid(ResourceError):
    """Everything that is wrong with one resource, one line a problem, each with file and line where known."""

    def __init__(self, problems: tuple[Problem, ...], origin: str = "") -> None:
        assert problems, "a resource without problems is not invalid"
        self.problems = problems
        self.origin = origin
        super().__init__("\n".join(self._line(problem) for problem in problems))

    def _line(self, problem: Problem) -> str:
        place = ":".join(part for part in (self.origin, str(problem.line or "")) if part)
        line = f"{place}: {problem}" if place else str(problem)
        return "".join(c if c.isprintable() else ascii(c)[1:-1] for c in line)  # what was found may hold anything
