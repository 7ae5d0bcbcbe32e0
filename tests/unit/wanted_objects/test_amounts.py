"""Amounts in the one form the API server stores, and resources filled up with defaults."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clockifyrag_operator.amounts import canonical, resources
from clockifyrag_resource.containers import Resources
from clockifyrag_resource.quantities import Quantity

REQUESTS, LIMITS = {"cpu": "500m", "memory": "1Gi"}, {"cpu": "2", "memory": "4Gi"}


@pytest.mark.parametrize(
    ("written", "stored"),
    [
        ("0", "0"),
        ("0Gi", "0"),
        ("1", "1"),
        ("0.5", "500m"),
        ("1.5", "1500m"),
        ("1000m", "1"),
        ("1500m", "1500m"),
        ("2000", "2k"),
        ("1234567", "1234567"),
        ("1000000", "1M"),
        ("0.1n", "1n"),
        ("12e6", "12e6"),
        ("1e3", "1e3"),
        ("10e2", "1e3"),
        ("5e-1", "500e-3"),
        ("1E", "1E"),
        ("1024Mi", "1Gi"),
        ("1.5Gi", "1536Mi"),
        ("0.5Ki", "512"),
        ("0.0001Ki", "102400u"),
        ("1.0001Ki", "1025"),
        ("1048576Ki", "1Gi"),
        ("1023Mi", "1023Mi"),
        ("1500M", "1500M"),
        ("2000M", "2G"),
        (".5Gi", "512Mi"),
        ("1.", "1"),
    ],
)
def test_an_amount_is_written_as_the_api_server_stores_it(written: str, stored: str) -> None:
    assert stored == canonical(Quantity.parse(written))


@given(st.integers(0, 10**6), st.sampled_from(["", "m", "k", "M", "G", "Ki", "Mi", "Gi", "e3", "E-1", "u"]))
def test_the_one_form_is_the_same_amount_and_its_own_form(number: int, unit: str) -> None:
    quantity = Quantity.parse(f"{number}{unit}")

    stored = Quantity.parse(canonical(quantity))

    assert 0 <= stored.value - quantity.value < Fraction(1, 10**9)
    assert stored.text == canonical(stored)


@pytest.mark.parametrize(
    ("asked", "requests", "limits"),
    [
        pytest.param({}, REQUESTS, LIMITS, id="defaults"),
        pytest.param(
            {"requests": {"memory": "2048Mi"}}, {"cpu": "500m", "memory": "2Gi"}, LIMITS, id="in the one form"
        ),
        pytest.param(
            {"limits": {"memory": "512Mi"}},
            {"cpu": "500m", "memory": "512Mi"},
            {"cpu": "2", "memory": "512Mi"},
            id="a default request gives way to a limit",
        ),
        pytest.param(
            {"requests": {"cpu": 8}},
            {"cpu": "8", "memory": "1Gi"},
            {"cpu": "8", "memory": "4Gi"},
            id="a default limit gives way to a request",
        ),
        pytest.param(
            {"limits": {"nvidia.com/gpu": 1}},
            REQUESTS,
            {**LIMITS, "nvidia.com/gpu": "1"},
            id="a resource without a default",
        ),
    ],
)
def test_the_author_has_the_say_and_defaults_never_contradict_him(
    asked: dict[str, dict[str, object]], requests: dict[str, str], limits: dict[str, str]
) -> None:
    filled = resources(Resources.model_validate(asked), REQUESTS, LIMITS)

    assert {"requests": requests, "limits": limits} == filled
