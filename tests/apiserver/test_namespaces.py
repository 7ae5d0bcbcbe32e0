"""An operator of several namespaces, one of which goes: with it goes the Role that lets the operator read it."""

from __future__ import annotations

import secrets
from collections.abc import Iterator

import pytest
from tests.apiserver.controlplane import ControlPlane
from tests.apiserver.operator_process import ACCOUNT, OperatorProcess, Operators
from tests.apiserver.test_operator_loop import SECONDS, Place
from tests.waiting import wait_until

RIGHTS = "/apis/rbac.authorization.k8s.io/v1/namespaces"


@pytest.fixture(scope="module")
def operators(control_plane: ControlPlane, crd: str) -> Iterator[Operators]:
    with Operators(control_plane) as running:
        yield running


def heals(place: Place, operator: OperatorProcess) -> None:
    """Waits until a Service that is deleted is back."""
    place.api.delete(place.path("services", "help-store"))
    wait_until(lambda: place.get("services", "help-store"), SECONDS, "the Service is back", operator.explain)


def test_a_namespace_that_cannot_be_read_any_more_holds_up_no_other_and_is_taken_up_again(
    operators: Operators, control_plane: ControlPlane, crd: str, namespace: str
) -> None:
    stays, goes = Place(control_plane, namespace), Place(control_plane, f"test-{secrets.token_hex(4)}")
    control_plane.admin.post("/api/v1/namespaces", {"metadata": {"name": goes.namespace}})
    operator = operators.start(stays.namespace, goes.namespace, RESYNC_SECONDS=600)  # by the watches alone
    for place in (stays, goes):
        place.make()
        place.settle(operator)

    for plural in ("roles", "rolebindings"):
        goes.api.delete(f"{RIGHTS}/{goes.namespace}/{plural}/{ACCOUNT}")
    wait_until(lambda: "is left out" in operator.log, SECONDS, "it is told", operator.explain)

    heals(stays, operator)
    assert 200 == operator.get("/livez")
    operator.kill()
    operator.start_at_once()
    operator.wait_ready()
    heals(stays, operator)
    operators.account(stays.namespace, goes.namespace)
    heals(goes, operator)
    heals(stays, operator)
    assert 0 == operator.terminate()
