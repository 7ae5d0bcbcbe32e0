"""Quantity: an amount as Kubernetes writes it ("10Gi", "500m"), exact and comparable.

Grammar and suffixes: Kubernetes API reference, resource.Quantity.
"""

import math
import re
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Annotated, Any, Self

from pydantic import AfterValidator, GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, core_schema

from clockifyrag_resource.cel import Cel
from clockifyrag_resource.part import Broken, Expected, broken_rules_error

_EXPECTED = "a quantity such as 500m, 2 or 10Gi"
_WRITTEN = r"^([0-9]+(\.[0-9]*)?|\.[0-9]+)(Ki|Mi|Gi|Ti|Pi|Ei|n|u|m|k|M|G|T|P|E|[eE][+-]?[0-9]{1,2})?$"
_LONGEST = 32
_LARGEST = 2**63 - 1  # what Kubernetes itself can hold
_FACTORS = {
    "": Fraction(1),
    **{suffix: Fraction(1024) ** power for power, suffix in enumerate(("Ki", "Mi", "Gi", "Ti", "Pi", "Ei"), start=1)},
    **{suffix: Fraction(1000) ** power for power, suffix in enumerate(("k", "M", "G", "T", "P", "E"), start=1)},
    **{suffix: Fraction(1000) ** -power for power, suffix in enumerate(("m", "u", "n"), start=1)},
}


@dataclass(frozen=True, slots=True, order=True)
class Quantity:
    """An amount ≥ 0; equal and ordered by its value, shown as it was written."""

    value: Fraction
    text: str = field(compare=False)

    @classmethod
    def parse(cls, text: str) -> Self:
        """The amount that `text` writes; ValueError says what a quantity looks like.

        >>> Quantity.parse("1Gi") == Quantity.parse("1024Mi"), Quantity.parse("1500m") > Quantity.parse("1")
        (True, True)
        """
        matched = re.fullmatch(_WRITTEN, text) if len(text) <= _LONGEST else None
        if matched is None:
            raise ValueError(f"{text[:_LONGEST]!r} is not {_EXPECTED}")
        number, suffix = matched.group(1), matched.group(3) or ""
        factor = _FACTORS[suffix] if suffix in _FACTORS else Fraction(10) ** int(suffix[1:])
        value = Fraction(f"0{number.removesuffix('.')}") * factor
        if value > _LARGEST:
            raise ValueError(f"{text!r} is more than Kubernetes can hold ({_LARGEST})")
        return cls(value, text)

    @property
    def whole(self) -> int:
        """The amount rounded up to a whole number: bytes of a size, cores of a CPU quantity."""
        return math.ceil(self.value)

    def __str__(self) -> str:
        return self.text

    @classmethod
    def __get_pydantic_core_schema__(cls, _source: Any, _handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_plain_validator_function(
            cls._validated, serialization=core_schema.plain_serializer_function_ser_schema(str, when_used="json")
        )

    @classmethod
    def __get_pydantic_json_schema__(cls, _schema: CoreSchema, _handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        return {
            "anyOf": [{"type": "integer"}, {"type": "string"}],
            "x-kubernetes-int-or-string": True,
            "minimum": 0,
            "pattern": _WRITTEN,
            "maxLength": _LONGEST,
            "expected": _EXPECTED,
        }

    @classmethod
    def _validated(cls, value: object) -> Self:
        if isinstance(value, cls):
            return value
        if isinstance(value, str) or (isinstance(value, int) and not isinstance(value, bool)):
            return cls.parse(str(value))
        raise ValueError(_EXPECTED)


def _size(quantity: Quantity) -> Quantity:
    if quantity.value <= 0 or quantity.value.denominator != 1:
        raise broken_rules_error(Broken((), f'"{quantity}"', _SIZE))
    return quantity


_SIZE = "a size of at least one byte, such as 64Mi or 10Gi"
_SIZE_RULE = Cel(
    "isQuantity(string(self)) && !quantity(string(self)).isLessThan(quantity('1'))", _SIZE, shown="string(self)"
)
Size = Annotated[Quantity, AfterValidator(_size), Expected(_SIZE), _SIZE_RULE]
"""A quantity of bytes, whole and at least one; `.whole` is the number."""
