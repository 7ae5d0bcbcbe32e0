"""Whether a live object holds what was rendered: what the API server adds or writes in its own way is no difference."""

import pytest

from clockifyrag_operator import names
from clockifyrag_operator.contained import contained, essence, holds, marked
from clockifyrag_operator.observed import Manifest

SAME = {
    "a default that was added": ({"spec": {"a": 1}}, {"spec": {"a": 1, "b": 2}}),
    "an amount in its canonical form": ({"limits": {"cpu": "1000m"}}, {"limits": {"cpu": "1"}}),
    "an amount of memory": ({"requests": {"storage": "1024Mi"}}, {"requests": {"storage": "1Gi"}}),
    "an empty map that is left out": ({"podSelector": {}}, {}),
    "an empty map that was filled by the server": ({"emptyDir": {}}, {"emptyDir": {"medium": ""}}),
    "a list whose elements got defaults": ({"ports": [{"port": 1}]}, {"ports": [{"port": 1, "protocol": "TCP"}]}),
    "an empty text that is left out": ({"value": ""}, {}),
}
DIFFERENT = {
    "another value": ({"a": 1}, {"a": 2}),
    "a missing field": ({"a": 1}, {}),
    "a shorter list": ({"a": [1, 2]}, {"a": [1]}),
    "a longer list": ({"a": [1]}, {"a": [1, 2]}),
    "a text that looks like the same amount": ({"labels": {"cpu": "1000m"}}, {"labels": {"cpu": "1"}}),
    "a truth value and a number": ({"a": True}, {"a": 1}),
    "a list that is to be empty": ({"a": []}, {"a": [1]}),
    "no object at all": ({"a": {"b": 1}}, {"a": None}),
}


@pytest.mark.parametrize("case", SAME)
def test_what_the_api_server_adds_is_no_difference(case: str) -> None:
    rendered, live = SAME[case]

    assert contained(rendered, live)


@pytest.mark.parametrize("case", DIFFERENT)
def test_what_somebody_changed_is_a_difference(case: str) -> None:
    rendered, live = DIFFERENT[case]

    assert not contained(rendered, live)


def test_the_mark_tells_what_is_written_and_nothing_else() -> None:
    rendered = {"kind": "ConfigMap", "metadata": {"name": "a", "resourceVersion": "7"}, "data": {"x": "1"}}

    first, later = marked(rendered), marked({**rendered, "metadata": {"name": "a", "resourceVersion": "8"}})
    changed = marked({**rendered, "data": {"x": "2"}})

    told = [one["metadata"]["annotations"][names.APPLIED] for one in (first, later, changed)]
    assert told[0] == told[1] != told[2]
    assert first == marked(first)  # marked once or twice
    assert "7" == first["metadata"]["resourceVersion"]


def test_an_object_holds_what_was_applied_whatever_its_version_is() -> None:
    drawn: Manifest = {"kind": "ConfigMap", "metadata": {"name": "a", "resourceVersion": "7"}, "data": {"x": "1"}}
    rendered = marked(drawn)
    live = {**rendered, "metadata": {**rendered["metadata"], "resourceVersion": "9", "uid": "u"}}

    assert holds(live, rendered)
    assert not holds({**live, "data": {"x": "2"}}, rendered)


def test_the_essence_leaves_out_what_nobody_wrote() -> None:
    live: Manifest = {"kind": "Service", "metadata": {"name": "a", "resourceVersion": "1"}, "spec": {"a": 1}}
    reported = {**live, "metadata": {**live["metadata"], "resourceVersion": "2"}, "status": {"b": 1}}

    assert essence(live) == essence(reported)
    assert essence(live) != essence({**live, "spec": {"a": 2}})
