import doctest
import importlib
import pkgutil

import pytest

PACKAGES = (
    "clockifyrag_resource",
    "clockifyrag_index",
    "clockifyrag_builder",
    "clockifyrag_cli",
    "clockifyrag_operator",
    "clockifyrag_service",
)
MODULES = [
    module.name
    for package in PACKAGES
    for module in pkgutil.walk_packages(importlib.import_module(package).__path__, f"{package}.")
    if not module.name.endswith("__main__")
]


@pytest.mark.parametrize("name", MODULES)
def test_the_examples_in_the_remarks_hold(name: str) -> None:
    outcome = doctest.testmod(importlib.import_module(name))

    assert 0 == outcome.failed
