"""`controllers`: at work on the control plane of this worker."""

from collections.abc import Iterator

import pytest
from tests.apiserver.controllers import Controllers
from tests.apiserver.controlplane import ControlPlane


@pytest.fixture(scope="session")
def controllers(control_plane: ControlPlane) -> Iterator[Controllers]:
    """They act in the namespaces whose world is asked for."""
    admin = control_plane.admin.user
    with Controllers(admin.server, admin.authority_file.read_text(), admin.certificate) as running:
        yield running
    assert [] == running.errors
