"""Kubernetes quantities: what they are worth, which is more, and what is none."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clockifyrag_resource.quantities import Quantity


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("0", Fraction(0)),
        ("2", Fraction(2)),
        ("500m", Fraction(1, 2)),
        ("0.5", Fraction(1, 2)),
        (".5", Fraction(1, 2)),
        ("5.", Fraction(5)),
        ("100u", Fraction(1, 10_000)),
        ("3n", Fraction(3, 10**9)),
        ("1k", Fraction(1000)),
        ("10Gi", Fraction(10 * 2**30)),
        ("1.5Ti", Fraction(3 * 2**39)),
        ("10G", Fraction(10**10)),
        ("12e6", Fraction(12_000_000)),
        ("12E-3", Fraction(12, 1000)),
        ("1E", Fraction(10**18)),
    ],
)
def test_a_quantity_is_worth_what_kubernetes_takes_it_for(text: str, value: Fraction) -> None:
    quantity = Quantity.parse(text)

    assert (value, text) == (quantity.value, str(quantity))


@pytest.mark.parametrize(
    "text", ["", "Gi", "10gi", "10 Gi", "-1", "1.2.3", "0x10", "1e", "1e999", "９", "1Gi\n", "1" * 40, "9Ei"]
)
def test_what_is_no_quantity_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"is not a quantity|more than Kubernetes can hold"):
        Quantity.parse(text)


@pytest.mark.parametrize(("less", "more"), [("1G", "1Gi"), ("999m", "1"), ("1023Mi", "1Gi"), ("1e3", "1Ki")])
def test_quantities_are_ordered_by_value(less: str, more: str) -> None:
    assert Quantity.parse(less) < Quantity.parse(more)


def test_quantities_of_one_value_are_equal_however_written() -> None:
    assert Quantity.parse("1Gi") == Quantity.parse("1024Mi")
    assert hash(Quantity.parse("1")) == hash(Quantity.parse("1000m"))


@pytest.mark.parametrize(("text", "whole"), [("64Mi", 67_108_864), ("1500m", 2), ("0", 0)])
def test_the_whole_of_a_quantity_is_rounded_up(text: str, whole: int) -> None:
    assert whole == Quantity.parse(text).whole


@given(st.text(max_size=40))
def test_any_text_is_a_quantity_or_a_value_error(text: str) -> None:
    try:
        quantity = Quantity.parse(text)
    except ValueError:
        return

    assert 0 <= quantity.value < 2**63
