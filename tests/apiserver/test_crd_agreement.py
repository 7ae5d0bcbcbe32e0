"""Whatever a manifest is turned into, the API server and the models say the same of it, save for what stands here."""

import copy
import json
import random
import re
from typing import Any

import pytest
from tests.apiserver.controlplane import ControlPlane
from tests.apiserver.resources import Resources
from tests.unit.test_resource_mutations import FULL, places

from clockifyrag_resource.errors import ResourceInvalid
from clockifyrag_resource.load import resource_of

MUTATIONS = 600
VALUES: list[Any] = [
    None, True, 0, -1, 1, 7, 2**31, 1.5, "", "a", "10Gi", "1e99", "1500m", "5-3 * * * *", "*/5 * * * *", "Europe", "é",
    "Local", "Ollama", "wordllama", "all-minilm", "..", "::", "0.5", "1.5", "ReadWriteMany", "http://a b", "A" * 70,
    "https://a.org/\u00a0", "10.0.0.0/255.0.0.0", "fe80::1%eth0", "http://[::::]:80",
    [], {}, ["a"], [{}], {"a": "b"}, {"name": "a"},
]  # fmt: skip
NEW_FIELDS = ("server", "url", "profile", "pod", "schedule", "key", "sitemap", "sample")

# What the models alone refuse: problems as they are told.
ONLY_THE_MODELS_SEE = {
    "a null inside of what Kubernetes checks": r"(affinity|labelSelector|metricsFrom|extraEgress).*: found null",
    "a time zone nobody lives in": r"timeZone: found",
    "an order of times": r"cron: .*5-3",
    "a space beyond ASCII": r"\\xa0",
    "a quantity beyond what Kubernetes holds, which it cuts": r'found "1e99"',
    "a part of a byte": r'found "1500m"',
    "brackets around no IPv6 address": r"does not appear to be an IPv4 or IPv6 address",
    "terms of pods that are no list": r"expected a list of terms",
}
# What the API server alone refuses: beginnings of its words.
ONLY_THE_API_SERVER_SEES = {
    "networks written with a mask or a zone": r'trustedProxies\[0\]: .*"(10.0.0.0/255|fe80::1%)'
}


def mutation(chosen: random.Random) -> dict[str, Any]:
    """The full manifest with one or two places of its spec changed, emptied or added to."""
    manifest = copy.deepcopy(FULL)
    for _ in range(chosen.randint(1, 2)):
        holder, key = chosen.choice(places(manifest["spec"]) or [(manifest, "spec")])
        match chosen.choices(("replace", "remove", "add"), (8, 2, 1))[0]:
            case "replace":
                holder[key] = copy.deepcopy(chosen.choice(VALUES))
            case "remove":
                del holder[key]
            case "add" if isinstance(holder, dict):
                holder[chosen.choice(NEW_FIELDS)] = copy.deepcopy(chosen.choice(VALUES))
    return manifest


def problems(manifest: dict[str, Any]) -> list[str]:
    """What the models say is wrong."""
    try:
        resource_of(manifest, "")
    except ResourceInvalid as refused:
        return str(refused).splitlines()
    return []


def unexplained(told: list[str], reasons: dict[str, str]) -> list[str]:
    return [line for line in told if not any(re.search(pattern, line) for pattern in reasons.values())]


@pytest.mark.parametrize("seed", range(2))
def test_the_api_server_and_the_models_agree(control_plane: ControlPlane, namespace: str, crd: str, seed: int) -> None:
    chosen, resources = random.Random(seed), Resources(control_plane, namespace)
    disagreements = []

    for _ in range(MUTATIONS // 2):
        manifest = mutation(chosen)
        manifest["metadata"] = {"name": "help"}
        answer = resources.create(manifest, dryRun="All")
        assert answer.status_code in (201, 400, 422), answer.text
        if answer.is_success:
            disagreements += unexplained(problems(answer.json()), ONLY_THE_MODELS_SEE)
        elif not problems(manifest):
            disagreements += unexplained([answer.json()["message"]], ONLY_THE_API_SERVER_SEES)

    assert [] == disagreements, json.dumps(disagreements, indent=1)
