"""YAML text → one JSON-like value and the line of each of its parts.

Stricter than YAML where a resource gains by it: one document, each key once, keys are text, no tags beyond JSON's
kinds, bounded size, depth and aliases (a "billion laughs" is refused before anything is expanded). Dates and
"10:30" stay text, as they do for Kubernetes.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass, field

import yaml
from pydantic import JsonValue

from clockifyrag_resource.errors import Problem
from clockifyrag_resource.wording import ValuePath, shown_path, shown_value

DEPTH_MAX = 40
VALUES_MAX = 20_000  # after aliases are expanded; the largest sensible resource has some hundreds
_KINDS = {f"tag:yaml.org,2002:{kind}": kind for kind in ("str", "int", "float", "bool", "null", "map", "seq")}
_TEXT_KINDS = {"tag:yaml.org,2002:timestamp", "tag:yaml.org,2002:value"}  # only YAML sees more than text in these
_BOOLEANS = yaml.constructor.SafeConstructor.bool_values


class NotOneDocument(Exception):  # caught in load.py, which knows the file's name
    """Why a text holds no document: `problems`, with lines."""

    def __init__(self, *problems: Problem) -> None:
        super().__init__("; ".join(map(str, problems)))
        self.problems = problems


@dataclass(frozen=True, slots=True)
class YamlDocument:
    """A value as JSON could hold it, and where its parts stand."""

    value: JsonValue
    lines: dict[ValuePath, int] = field(default_factory=dict)  # counted from 1


def yaml_document(text: str) -> YamlDocument:
    """The one document in `text`; NotOneDocument says, with lines, why there is none."""
    try:
        _check_bounds(text)
        roots = [node for node in yaml.compose_all(text, Loader=yaml.SafeLoader) if not _is_empty(node)]
    except (yaml.YAMLError, ValueError, OverflowError) as error:  # the last two: an escape beyond Unicode
        raise NotOneDocument(_syntax_problem(text, error)) from error
    if not roots:
        raise NotOneDocument(Problem("", "nothing", "one resource"))
    if len(roots) > 1:
        expected = "one resource; put each into a file of its own"
        raise NotOneDocument(Problem("", f"{len(roots)} documents", expected, _line(roots[1])))
    reading = _Reading()
    reading.size(roots[0])
    value = reading.value(roots[0], ())
    if reading.problems:
        raise NotOneDocument(*reading.problems)
    return YamlDocument(value, reading.lines)


def _check_bounds(text: str) -> None:
    """Reads events only, which takes no recursion: what comes after may recurse as deep as DEPTH_MAX."""
    depth = values = 0
    for event in yaml.parse(text, Loader=yaml.SafeLoader):
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        values += isinstance(event, yaml.NodeEvent)
        if depth > DEPTH_MAX or values > VALUES_MAX:
            found = f"more than {DEPTH_MAX} levels" if depth > DEPTH_MAX else f"more than {VALUES_MAX} values"
            raise NotOneDocument(Problem("", found, "a resource of ordinary size", _line(event)))


def _is_empty(node: yaml.Node | None) -> bool:
    return node is None or (isinstance(node, yaml.ScalarNode) and _KINDS.get(node.tag) == "null")


def _syntax_problem(text: str, error: Exception) -> Problem:
    if isinstance(error, yaml.reader.ReaderError):
        line = text.count("\n", 0, error.position) + 1
        return Problem("", f"the character {text[error.position]!a}", "text without it", line)
    if isinstance(error, yaml.MarkedYAMLError) and error.problem_mark is not None:
        what = " ".join(part for part in (error.context, error.problem) if part)
        return Problem("", f"broken YAML ({what})", "valid YAML", error.problem_mark.line + 1)
    return Problem("", f"broken YAML ({' '.join(str(error).split())})", "valid YAML")


@dataclass(frozen=True, slots=True)
class Size:
    """Values in all, and levels one inside the other."""

    values: int
    depth: int


class _Reading:
    """Turns nodes into values, noting lines and collecting what is wrong."""

    def __init__(self) -> None:
        self.lines: dict[ValuePath, int] = {}
        self.problems: list[Problem] = []
        self._sizes: dict[int, Size] = {}
        self._open: set[int] = set()  # nodes on the way from the root to the one being sized

    def size(self, node: yaml.Node) -> Size:
        """What the node stands for once aliases are expanded; NotOneDocument where that is beyond the bounds."""
        if id(node) in self._open:
            raise NotOneDocument(Problem("", "a value that contains itself", "no such alias", _line(node)))
        if id(node) not in self._sizes:
            self._open.add(id(node))
            below = [self.size(inner) for inner in _below(node)]
            self._open.remove(id(node))
            values, depth = 1 + sum(size.values for size in below), 1 + max((size.depth for size in below), default=0)
            self._sizes[id(node)] = Size(values, depth)
        size = self._sizes[id(node)]
        if size.values > VALUES_MAX or size.depth > DEPTH_MAX + 1:  # a scalar is a level too
            found = f"aliases that expand to {size.values} values in {size.depth} levels"
            raise NotOneDocument(Problem("", found, f"at most {VALUES_MAX} in {DEPTH_MAX}", _line(node)))
        return size

    def value(self, node: yaml.Node, path: ValuePath) -> JsonValue:
        self.lines.setdefault(path, _line(node))
        if isinstance(node, yaml.MappingNode) and _KINDS.get(node.tag) == "map":
            return self._mapping(node, path)
        if isinstance(node, yaml.SequenceNode) and _KINDS.get(node.tag) == "seq":
            return [self.value(below, (*path, place)) for place, below in enumerate(node.value)]
        if isinstance(node, yaml.ScalarNode):
            return self._scalar(node, path)
        self._refuse(path, node, f"the tag {shown_value(node.tag)}", "a plain mapping or list")
        return None

    def _mapping(self, node: yaml.MappingNode, path: ValuePath) -> JsonValue:
        mapping: dict[str, JsonValue] = {}
        for key_node, value_node in node.value:
            key = self._key(key_node, path)
            if key is None:
                continue
            if key in mapping:
                first = self.lines[(*path, key)]
                self._refuse((*path, key), key_node, f"it twice (first on line {first})", "each key once")
                continue
            self.lines[(*path, key)] = _line(key_node)
            mapping[key] = self.value(value_node, (*path, key))
        return mapping

    def _key(self, node: yaml.Node, path: ValuePath) -> str | None:
        """The key a node writes; None, and a problem, where it is not text."""
        if _KINDS.get(node.tag) == "str" or node.tag in _TEXT_KINDS:
            return self._clean(node.value, path, node)
        if node.tag == "tag:yaml.org,2002:merge":
            self._refuse(path, node, "the merge key <<", "the fields written out")
        else:
            found = (
                f"the key {shown_value(node.value)}" if isinstance(node, yaml.ScalarNode) else "a key of several values"
            )
            self._refuse(path, node, found, "a key that is text, in quotes if it looks like something else")
        return None

    def _scalar(self, node: yaml.ScalarNode, path: ValuePath) -> JsonValue:
        kind = "str" if node.tag in _TEXT_KINDS else _KINDS.get(node.tag)
        if kind == "str" or (kind in ("int", "float") and ":" in node.value):  # base 60 in YAML 1.1 alone
            return self._clean(node.value, path, node)
        if kind == "null":
            return None
        if kind == "bool" and node.value.lower() in _BOOLEANS:
            return bool(_BOOLEANS[node.value.lower()])
        number = _number(kind, node)
        if number is None:
            found = f"{shown_value(node.value)} with the tag {shown_value(node.tag)}"
            self._refuse(path, node, found, "text, a number, true or false")
        return number

    def _clean(self, text: str, path: ValuePath, node: yaml.Node) -> str:
        bad = next((c for c in text if c == "\0" or "\ud800" <= c <= "\udfff"), None)
        if bad is not None:
            self._refuse(path, node, f"the character {bad!r}", "text without it")
            return ""
        return text

    def _refuse(self, path: ValuePath, node: yaml.Node, found: str, expected: str) -> None:
        self.problems.append(Problem(shown_path(path), found, expected, _line(node)))


def _number(kind: str | None, node: yaml.ScalarNode) -> int | float | None:
    """The number a node writes; None where it writes none that JSON can hold."""
    scalars = yaml.constructor.SafeConstructor()
    try:
        if kind == "int":
            return int(scalars.construct_yaml_int(node))
        number = float(scalars.construct_yaml_float(node)) if kind == "float" else math.nan
    except (ValueError, IndexError):  # "!!int abc", or more digits than Python converts
        return None
    return number if math.isfinite(number) else None


def _below(node: yaml.Node) -> Iterator[yaml.Node]:
    for below in node.value if isinstance(node, yaml.CollectionNode) else ():
        if isinstance(below, tuple):
            yield from below
        else:
            yield below


def _line(node: yaml.Node | yaml.Event) -> int:
    return node.start_mark.line + 1 if node.start_mark else 1
