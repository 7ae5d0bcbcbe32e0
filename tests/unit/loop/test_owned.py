"""Which fields of a live pod template are the operator's own, as managedFields tell it."""

from typing import Any

from clockifyrag_operator import names
from clockifyrag_operator.owned import owned, owned_template

TEMPLATE: dict[str, Any] = {
    "metadata": {"labels": {"a": "1", "theirs": "2"}},
    "spec": {
        "containers": [
            {
                "name": "search",
                "image": "service:1",
                "env": [{"name": "A", "value": "1"}, {"name": "B", "value": "2"}],
                "ports": [{"containerPort": 80, "protocol": "TCP", "name": "http"}],
                "terminationMessagePath": "/dev/termination-log",
            },
            {"name": "sidecar", "image": "theirs:1"},
        ],
        "volumes": [{"name": "tmp", "emptyDir": {}}],
        "restartPolicy": "Always",
    },
}
FIELDS: dict[str, Any] = {
    "f:metadata": {"f:labels": {"f:a": {}}},
    "f:spec": {
        "f:containers": {
            'k:{"name":"search"}': {
                ".": {},
                "f:name": {},
                "f:image": {},
                "f:env": {'k:{"name":"B"}': {".": {}, "f:name": {}, "f:value": {}}},
                "f:ports": {'k:{"containerPort":80,"protocol":"TCP"}': {".": {}, "f:containerPort": {}, "f:name": {}}},
            }
        },
        "f:volumes": {'k:{"name":"tmp"}': {".": {}, "f:name": {}, "f:emptyDir": {}}},
    },
}


def test_of_a_template_only_the_fields_the_manager_applied_are_owned() -> None:
    found = owned(TEMPLATE, FIELDS)

    expected = {
        "metadata": {"labels": {"a": "1"}},
        "spec": {
            "containers": [
                {
                    "name": "search",
                    "image": "service:1",
                    "env": [{"name": "B", "value": "2"}],
                    "ports": [{"containerPort": 80, "protocol": "TCP", "name": "http"}],
                }
            ],
            "volumes": [{"name": "tmp", "emptyDir": {}}],
        },
    }
    assert expected == found


def test_a_set_is_owned_value_by_value() -> None:
    assert ["b"] == owned(["a", "b"], {'v:"b"': {}})


def test_only_what_our_manager_applied_counts() -> None:
    def live(**entry: Any) -> dict[str, Any]:
        fields = {"f:spec": {"f:template": FIELDS}}
        return {
            "metadata": {"managedFields": [{"operation": "Apply", "fieldsV1": fields, **entry}]},
            "spec": {"template": TEMPLATE},
        }

    assert owned_template(live(manager=names.MANAGER)) == owned(TEMPLATE, FIELDS)
    assert owned_template(live(manager="kubectl")) is None
    assert owned_template(live(manager=names.MANAGER, operation="Update")) is None
    assert owned_template({"metadata": {}, "spec": {"template": TEMPLATE}}) is None
