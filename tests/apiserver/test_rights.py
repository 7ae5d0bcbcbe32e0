"""The chart's rights are those the operator uses: all of them, and no other, by the API server's audit log."""

from collections.abc import Iterator

import pytest
from tests.apiserver.controllers import Controllers
from tests.apiserver.controllers.conftest import controllers as controllers
from tests.apiserver.controlplane import ControlPlane
from tests.apiserver.controlplane.api import MERGE_PATCH
from tests.apiserver.faults.field import Field
from tests.apiserver.faults.runs import FULL
from tests.apiserver.faults.story import Manifest, Story
from tests.apiserver.faults.times import SCALE
from tests.apiserver.operator_process import OperatorProcess, Operators, rights
from tests.apiserver.proxy import Refuse, of
from tools.definitions import NAMES, definitions

from clockifyrag_operator.names import COMPONENT

Right = tuple[str, str, str]  # group, resource with its subresource, verb
LET_GO: Manifest = {"metadata": {"finalizers": None}}
THEIRS: dict[str, Manifest] = {  # by name of a child, what somebody else made under it
    "Service/help-search": {"spec": {"ports": [{"port": 9}], "selector": {"a": "b"}}},
    "ServiceAccount/help-search": {},
    "ConfigMap/help-search": {"data": {"a": "b"}},
    "NetworkPolicy/help-search": {"spec": {"podSelector": {}}},
    "PodDisruptionBudget/help-search": {"spec": {"selector": {"matchLabels": {"a": "b"}}}},
    "Ingress/help-search": {"spec": {"defaultBackend": {"service": {"name": "a", "port": {"number": 1}}}}},
    "PersistentVolumeClaim/help-index": {
        "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}
    },
}
EVERYTHING: Manifest = {
    **FULL,
    "search": {
        "replicas": 2,
        "indexUpdate": "HotSwap",
        "ingress": {"host": "help.example.com"},
        "autoscaling": {"minReplicas": 2, "maxReplicas": 3},
    },
    "glossary": {"configMapRef": {"name": "words"}},
}
CHANGES: tuple[Manifest, ...] = (  # each takes something away
    {"monitoring": {"serviceMonitor": "Disabled", "prometheusRule": "Disabled"}},
    {"search": {"ingress": None, "autoscaling": None, "replicas": 1}},
    {"networkPolicy": {"enabled": False}},
    {"ollama": {"url": "http://ollama.example.com:11434", "server": None}},
)


@pytest.fixture
def field(control_plane: ControlPlane, controllers: Controllers, crd: str) -> Iterator[Field]:
    for name in NAMES:
        control_plane.kubectl("apply", "--server-side", "--filename", str(definitions() / name))
    with Operators(control_plane, SCALE) as operators, Field(control_plane, controllers, operators) as running:
        yield running
    control_plane.kubectl("delete", *(f"--filename={definitions() / name}" for name in NAMES))


def granted(namespace: str) -> set[Right]:
    """What the chart lets the operator of one namespace do there."""
    return {
        (group, resource, verb)
        for one in rights(namespace, (namespace,))
        if one["kind"] == "Role"
        for rule in one["rules"]
        for group in rule["apiGroups"]
        for resource in rule["resources"]
        for verb in rule["verbs"]
    }


def asked(field: Field, user: str) -> dict[Right, set[int]]:
    """What the operator asked for in its namespace, and how it was answered."""
    found: dict[Right, set[int]] = {}
    for event in field.control_plane.audit(user=user):
        if event.resource:
            resource = f"{event.resource}/{event.subresource}" if event.subresource else event.resource
            # An apply that makes an object is logged as a patch, and needs the right to create as well.
            for verb in (event.verb, *(["create"] if event.response_code == 201 else [])):
                found.setdefault((event.group, resource, verb), set()).add(event.response_code)
    return found


def selects_more(deployment: Manifest) -> None:
    """What no apply can change back: the Deployment has to be made anew."""
    del deployment["spec"]["selector"]["matchLabels"][COMPONENT]


def selector(deployment: Manifest | None) -> Manifest:
    return dict(deployment["spec"]["selector"]["matchLabels"]) if deployment else {}


def lived(field: Field, story: Story, operator: OperatorProcess) -> None:
    """A whole life of a resource: names taken, everything wanted, each part wanted no more, many builds, the end."""
    for place, body in THEIRS.items():
        kind, _, name = place.partition("/")
        field.api.post(story.path(kind), {"metadata": {"name": name}, **body})
    field.api.post(story.path("ConfigMap"), {"metadata": {"name": "words"}, "data": {"w.csv": "term,aliases\n"}})
    story.create(EVERYTHING)
    story.wait_condition("Ready", "False", "SpecInvalid")
    for place in THEIRS:
        kind, _, name = place.partition("/")
        field.api.delete(story.path(kind, name))
    # No controller lets a volume go here.
    field.api.request("PATCH", story.path("PersistentVolumeClaim", "help-index"), LET_GO, MERGE_PATCH)
    story.wait_ready()
    for number in range(5):
        story.reindex(f"token-{number}")
        story.wait(lambda number=number: f"token-{number}" in story.ledger.get("tokens", ()), "the token is consumed")
        story.wait_ready()
    for change in CHANGES:
        story.change(change)
        story.wait_ready()
    operator.kill()
    story.make_otherwise("Deployment", "help-search", selects_more)
    operator.start_at_once()
    story.wait(lambda: COMPONENT in selector(story.get("Deployment", "help-search")), "it is made anew")
    story.wait_ready()
    story.delete()
    story.wait_gone()


def test_the_chart_grants_what_is_used_and_nothing_else(field: Field) -> None:
    story, proxy = field.story(), field.proxy()
    operator = field.operator(story, proxy)
    refused = Refuse(of("clockifyrags/status", "apply"), status=409)  # a resource is read by its name after that alone
    proxy.make(refused)

    lived(field, story, operator)

    assert refused.made, operator.explain()
    used = asked(field, operator.user_name)
    assert {} == {right: codes for right, codes in used.items() if codes & {401, 403}}
    assert [] == sorted(used.keys() - granted(story.namespace))
    assert [] == sorted(granted(story.namespace) - used.keys())
