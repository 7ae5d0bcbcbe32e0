"""Part: the common behaviour of every model of the resource, and what a field can say about itself."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Annotated, Any, ClassVar, Self, TypeVar

from pydantic import BaseModel, ConfigDict, GetCoreSchemaHandler, GetJsonSchemaHandler, JsonValue, model_validator
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, PydanticCustomError, core_schema

from clockifyrag_resource.cel import Cel, add_rules, cel_text

# What changing a field sets off in a cluster; read by the generators of the CRD and of the documentation.
REBUILDS: dict[str, JsonValue] = {"effect": "rebuild"}
RESTARTS: dict[str, JsonValue] = {"effect": "restart"}
NEITHER: dict[str, JsonValue] = {"effect": "none"}
FIXED: dict[str, JsonValue] = {"effect": "fixed"}
EFFECT_SENTENCES = {
    "rebuild": "Changing it builds a new index.",
    "restart": "Changing it replaces the pods, without a new index.",
    "fixed": "It cannot be changed later.",
    "none": "Changing it neither builds an index nor replaces the search pods.",
}

_ACRONYMS = {"cpu": "CPU", "mrr": "MRR", "ndcg": "NDCG", "ttl": "TTL", "urls": "URLs"}


def camel_case(name: str) -> str:
    """The name of a field as it stands in a manifest.

    >>> camel_case("cache_ttl_seconds")
    'cacheTTLSeconds'
    """
    first, *others = name.split("_")
    return first + "".join(_ACRONYMS.get(word, word.capitalize()) for word in others)


@dataclass(frozen=True, slots=True)
class Broken:
    """A rule that a value breaks; `path` leads from the value to the culprit, in names of the manifest."""

    path: tuple[str | int, ...]
    found: str
    expected: str


def broken_rules_error(*broken: Broken) -> PydanticCustomError:
    """The error a validator raises, from which `problems.py` takes path, found and expected."""
    told = "; ".join(f"{'.'.join(map(str, b.path)) or 'it'}: found {b.found}, expected {b.expected}" for b in broken)
    return PydanticCustomError("broken_rules", "{told}", {"broken": broken, "told": told})


def _complete_schema(schema: dict[str, Any], model: type[BaseModel]) -> None:
    """The part's rules are in it; each description ends with the default and with what changing the field sets off."""
    assert issubclass(model, Part)
    add_rules(schema, *model.api_rules)
    for property_schema in schema.get("properties", {}).values():
        if "description" not in property_schema:
            continue  # the same words stand in the definition it refers to
        sentences = [property_schema["description"]]
        default = property_schema.get("default")
        if isinstance(default, (str, int, float, bool)) and "Default" not in sentences[0]:
            sentences.append(f"Default: {str(default).lower() if isinstance(default, bool) else default}.")
        if effect := property_schema.get("effect"):
            sentences.append(EFFECT_SENTENCES[effect])
        property_schema["description"] = " ".join(sentences)


class Part(BaseModel):
    """A mapping of the resource: unknown fields are refused, values never change, rules between fields hold."""

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        alias_generator=camel_case,
        populate_by_name=True,
        json_schema_extra=_complete_schema,
    )

    api_rules: ClassVar[tuple[Cel, ...]] = ()  # what the API server can judge of broken_rules, and of changes

    def broken_rules(self) -> Iterator[Broken]:
        """The rules between fields that these values break; a part without such rules yields nothing."""
        yield from ()

    @model_validator(mode="after")
    def _keeps_its_rules(self) -> Self:
        if broken := tuple(self.broken_rules()):
            raise broken_rules_error(*broken)
        return self


class _LeftOutNotNull:
    """Takes null out of what a field accepts: None stands for a field that is absent, and for nothing else."""

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        nullable = handler(source)
        assert nullable["type"] == "nullable", f"Maybe holds {source}"
        return core_schema.no_info_after_validator_function(
            _unchanged,
            nullable["schema"],
            serialization=core_schema.wrap_serializer_function_ser_schema(_handed_on, schema=nullable),
        )


def _unchanged(value: Any) -> Any:
    return value


def _handed_on(value: Any, handler: Callable[[Any], Any]) -> Any:
    return handler(value)


T = TypeVar("T")
Maybe = Annotated[T | None, _LeftOutNotNull()]
"""T, or None when the field is left out. An explicit null is refused; bounds stand inside: Maybe[Annotated[…]]."""


class Expected:
    """Says in words what a field takes, for messages: `found …, expected <words>`."""

    def __init__(self, words: str) -> None:
        self.words = words

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        json_schema = handler.resolve_ref_schema(handler(schema))
        json_schema["expected"] = self.words
        return json_schema


@dataclass(frozen=True, slots=True)
class DecimalText:
    """Marks a float that a manifest writes as quoted decimal text ("0.02"): Kubernetes APIs hold no fractions.

    low, high: the inclusive range. In Python the field is, and is given as, a float.
    """

    low: int
    high: int

    def __get_pydantic_core_schema__(self, _source: Any, _handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.with_info_plain_validator_function(
            self._number,
            serialization=core_schema.plain_serializer_function_ser_schema(_decimal_text, when_used="json"),
        )

    def __get_pydantic_json_schema__(self, _schema: CoreSchema, _handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        schema = {"type": "string", "pattern": _DECIMAL, "maxLength": 12, "expected": self.words}
        in_range = f"double(self) >= {self.low}.0 && double(self) <= {self.high}.0"
        add_rules(schema, Cel(f"self.matches({cel_text(_DECIMAL)}) && {in_range}", self.words, shown="self"))
        return schema

    @property
    def words(self) -> str:
        """What the field takes, for messages and schema."""
        return f'a quoted decimal number from "{self.low}" to "{self.high}", such as "0.02"'

    def _number(self, value: object, info: core_schema.ValidationInfo) -> float:
        written = isinstance(value, str) and len(value) <= 12 and re.fullmatch(_DECIMAL, value)
        if written or (info.mode == "python" and isinstance(value, (int, float))):
            number = float(value)  # type: ignore[arg-type]  # text or number, by the line above
            if self.low <= number <= self.high:
                return number
        raise PydanticCustomError("decimal_text", "expected {words}", {"words": self.words})


_DECIMAL = r"^[0-9]+(\.[0-9]+)?$"


def _decimal_text(number: float) -> str:
    return format(Decimal(repr(number)), "f")  # 1e-05 is written 0.00001
