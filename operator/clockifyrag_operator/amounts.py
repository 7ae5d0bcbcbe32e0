"""Amounts as the API server writes them, and resources of containers filled up with defaults.

What the API server would write in another way would differ from what was applied, for ever.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from fractions import Fraction
from math import ceil

from clockifyrag_resource.containers import Resources
from clockifyrag_resource.quantities import Quantity

_BINARY = ("", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei")
_DECIMAL = {18: "E", 15: "P", 12: "T", 9: "G", 6: "M", 3: "k", 0: "", -3: "m", -6: "u", -9: "n"}

Amounts = Mapping[str, Quantity]


def canonical(quantity: Quantity) -> str:
    """The quantity in the one form the API server stores: no fraction, the largest unit that keeps it whole.

    Rules: k8s.io/apimachinery/pkg/api/resource, Quantity ("Before serializing, Quantity will be put in canonical
    form"). The family of the unit stays; binary amounts below 1024 and their fractions are written in decimal.

    >>> [canonical(Quantity.parse(text)) for text in ("1024Mi", "1.5Gi", "0.5", "1000m", "2000", "1e3", "0.5Ki")]
    ['1Gi', '1536Mi', '500m', '1', '2k', '1e3', '512']
    """
    if quantity.text.endswith("i") and quantity.value >= 1024:
        return _binary(ceil(quantity.value))
    return _decimal(quantity.value, exponent=_has_exponent(quantity.text))


def _has_exponent(text: str) -> bool:
    return any(letter in text[:-1] for letter in "eE")  # a last E is the unit, exa


def _binary(number: int) -> str:
    power = 0
    while number % 1024 == 0 and power < len(_BINARY) - 1:
        number, power = number // 1024, power + 1
    return f"{number}{_BINARY[power]}"


def _decimal(value: Fraction, *, exponent: bool) -> str:
    if value == 0:
        return "0"
    value = Fraction(ceil(value * 10**9), 10**9)  # nothing is finer than a billionth; rounded up
    power = next(power for power in _DECIMAL if (value / Fraction(10) ** power).denominator == 1)
    number = int(value / Fraction(10) ** power)
    unit = (f"e{power}" if power else "") if exponent else _DECIMAL[power]
    return f"{number}{unit}"


def resources(wanted: Resources, requests: Mapping[str, str], limits: Mapping[str, str]) -> dict[str, dict[str, str]]:
    """What a container is promised and may use: the author's amounts, the defaults where he says nothing.

    A default gives way where it would contradict the author: a request is never above the limit.
    """
    promised = _filled(wanted.requests, requests, wanted.limits, min)
    most = _filled(wanted.limits, limits, wanted.requests, max)
    return {
        "requests": {name: canonical(amount) for name, amount in sorted(promised.items())},
        "limits": {name: canonical(amount) for name, amount in sorted(most.items())},
    }


def _filled(
    own: Amounts, defaults: Mapping[str, str], other: Amounts, nearer: Callable[[Quantity, Quantity], Quantity]
) -> dict[str, Quantity]:
    filled = {name: Quantity.parse(text) for name, text in defaults.items()}
    filled = {name: nearer(amount, other[name]) if name in other else amount for name, amount in filled.items()}
    return {**filled, **own}
