"""From a file or text to a resource, or to a list of everything that is wrong with it."""

import json
from collections.abc import Mapping
from pathlib import Path

from pydantic import JsonValue, ValidationError

from clockifyrag_resource.errors import Problem, ResourceInvalid, ResourceUnreadable
from clockifyrag_resource.problems import problems_of
from clockifyrag_resource.resource import API_VERSION, KIND, ClockifyRAG
from clockifyrag_resource.wording import ValuePath, shown_value
from clockifyrag_resource.yaml_document import NotOneDocument, yaml_document

SIZE_BYTES_MAX = 1024 * 1024  # etcd holds no more than 1.5 MiB, so no resource is larger


def load_resource(path: Path) -> ClockifyRAG:
    """The resource in the YAML or JSON file `path`.

    ResourceUnreadable: no such file, no right to read it, or more than SIZE_BYTES_MAX. ResourceInvalid: everything
    that is wrong with its content, with lines.
    """
    try:
        with path.open("rb") as file:
            content = file.read(SIZE_BYTES_MAX + 1)
    except OSError as error:
        reason = error.strerror or str(error)
        raise ResourceUnreadable(f"{path}: {reason}; expected a readable file with a {KIND} in YAML") from error
    if len(content) > SIZE_BYTES_MAX:
        raise ResourceUnreadable(f"{path}: more than {SIZE_BYTES_MAX} bytes; a {KIND} is never that large")
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        problem = Problem("", f"the byte 0x{content[error.start]:02x}", "text in UTF-8", line)
        raise ResourceInvalid((problem,), str(path)) from error
    return parse_resource(text, str(path))


def parse_resource(text: str, origin: str) -> ClockifyRAG:
    """The resource that `text` (YAML, so JSON too) holds; ResourceInvalid names `origin` and what is wrong."""
    try:
        document = yaml_document(text)
    except NotOneDocument as error:
        raise ResourceInvalid(error.problems, origin) from error
    return resource_of(document.value, origin, document.lines)


def resource_of(value: JsonValue, origin: str, lines: Mapping[ValuePath, int] | None = None) -> ClockifyRAG:
    """The resource that a value as an API server tells it stands for; ResourceInvalid says what is wrong.

    lines: the line of each path, where the value comes from a file.
    """
    if problems := tuple(_problems_of_kind(value, lines or {})):
        raise ResourceInvalid(problems, origin)
    try:
        # As JSON, strict: "5" is no number and 1 is not true, as for an API server; fields by their manifest names.
        return ClockifyRAG.model_validate_json(json.dumps(value), strict=True, by_alias=True, by_name=False)
    except ValidationError as error:
        raise ResourceInvalid(problems_of(error, lines or {}), origin) from error


def _problems_of_kind(value: JsonValue, lines: Mapping[ValuePath, int]) -> list[Problem]:
    """Told alone: where these are wrong, the rest was never meant to be one of ours."""
    if not isinstance(value, dict):
        return [Problem("", shown_value(value), f"a mapping with apiVersion {API_VERSION}", lines.get(()))]
    wanted = {"apiVersion": API_VERSION, "kind": KIND}
    return [
        Problem(name, shown_value(value[name]) if name in value else "nothing", expected, lines.get((name,)))
        for name, expected in wanted.items()
        if value.get(name) != expected
    ]
