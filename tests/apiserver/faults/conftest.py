"""What the tests of faults share: `operators` as processes, and the `field` on which stages are set."""

from collections.abc import Iterator

import pytest
from tests.apiserver.controllers import Controllers
from tests.apiserver.controllers.conftest import controllers as controllers
from tests.apiserver.controlplane import ControlPlane
from tests.apiserver.faults.field import Field
from tests.apiserver.faults.times import SCALE
from tests.apiserver.operator_process import Operators


@pytest.fixture(scope="session")
def operators(control_plane: ControlPlane, crd: str) -> Iterator[Operators]:
    """Starts operators; those that a test leaves running end with the session."""
    with Operators(control_plane, SCALE) as running:
        yield running


@pytest.fixture
def field(control_plane: ControlPlane, controllers: Controllers, operators: Operators) -> Iterator[Field]:
    """What a test sets on it is cleared away when the test ends."""
    with Field(control_plane, controllers, operators) as running:
        yield running
