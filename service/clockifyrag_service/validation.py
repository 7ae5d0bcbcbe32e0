"""Validation of bodies: FastAPI's findings as one refusal that names the field."""

import sys
from dataclasses import replace
from typing import Any

from fastapi import Request
from fastapi.exceptions import RequestValidationError

from .errors import INVALID_PARAMETER, INVALID_QUERY, Refused, counted, invalid_parameter, unknown_name
from .models import NO_NUL, REQUEST_ID

QUESTION_FIELDS = ("query", "question")
PATTERNS = {NO_NUL: "text without NUL", REQUEST_ID: "1 to 64 of A-Z, a-z, 0-9, '.', '_' and '-'"}
TYPES = {
    "string_type": "text",
    "bool_type": "true or false",
    "int_type": "a whole number",
    "list_type": "a list",
    "string_unicode": "text without half a character",
}


def refused_body(request: Request, error: RequestValidationError) -> Refused:
    """The first thing that is wrong with a body; a field that nobody knows comes first, it explains a missing one."""
    problems = sorted(error.errors(), key=lambda problem: problem["type"] != "extra_forbidden")
    return refusal(problems[0], request)


def refusal(problem: Any, request: Request) -> Refused:
    name = ".".join(str(part) for part in problem["loc"][1:])  # the first says that it is about the body
    if problem["type"] == "json_invalid":
        reason = problem.get("ctx", {}).get("error", "")
        return Refused(INVALID_PARAMETER, f"The body is not JSON: {reason}.", "Send a JSON object.")
    if problem["type"] == "extra_forbidden":
        return unknown_name("field", name, known_fields(request))
    if not name:
        return Refused(
            INVALID_PARAMETER,
            "The body is not a JSON object sent as application/json.",
            "Send a JSON object with Content-Type: application/json.",
        )
    if problem["type"] == "missing":
        code = INVALID_QUERY if name in QUESTION_FIELDS else INVALID_PARAMETER
        return Refused(code, f"{name} is missing.", f"Add the field {name}.")
    refused = invalid_parameter(name, problem.get("input"), expected(problem))
    return replace(refused, code=INVALID_QUERY) if name in QUESTION_FIELDS else refused


def expected(problem: Any) -> str:
    """What should have been there, in our words; in pydantic's own for what has none here."""
    limits = problem.get("ctx", {})
    match problem["type"]:
        case "string_pattern_mismatch" if limits["pattern"] in PATTERNS:
            return PATTERNS[str(limits["pattern"])]
        case "string_too_short":
            return f"at least {counted(limits['min_length'], 'character')}"
        case "string_too_long":
            return f"at most {counted(limits['max_length'], 'character')}"
        case "too_long":
            return f"at most {counted(limits['max_length'], 'item')}"
        case "greater_than_equal":
            return f"at least {limits['ge']}"
        case "less_than_equal":
            return f"at most {limits['le']}"
        case kind:
            return TYPES.get(kind) or str(problem["msg"]).removeprefix("Input should be ")


def unreadable_body(cause: BaseException | None) -> Refused:
    """The refusal of a body that the parser of JSON failed at or refused, other than for its grammar."""
    match cause:
        case Refused():
            return cause
        case UnicodeDecodeError():
            found = f"is not UTF-8: byte {cause.start} is {cause.object[cause.start]:#04x}"
        case RecursionError():
            found = "is nested too deep"
        case ValueError():
            found = f"holds a number of more than {sys.get_int_max_str_digits():,} digits"
        case _:
            found = "cannot be read"
    return Refused(INVALID_PARAMETER, f"The body {found}.", "Send a JSON object in UTF-8, as /docs has it.")


def known_fields(request: Request) -> list[str]:
    """The fields of the route's body model."""
    body = getattr(request.scope.get("route"), "body_field", None)
    model = getattr(getattr(body, "field_info", None), "annotation", None)
    return list(getattr(model, "model_fields", {}))
