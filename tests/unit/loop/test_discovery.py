"""What the installed CRD lacks, compared with the model it is made from."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from clockifyrag_operator.discovery import missing_fields

CRD = Path(__file__).parents[3] / "crds" / "clockifyrag.yaml"


@pytest.fixture
def schema() -> dict[str, Any]:
    version = yaml.safe_load(CRD.read_text())["spec"]["versions"][0]
    found: dict[str, Any] = version["schema"]["openAPIV3Schema"]
    return found


def test_the_crd_of_this_version_lacks_nothing(schema: dict[str, Any]) -> None:
    assert () == missing_fields(schema)


def test_fields_that_an_older_crd_lacks_are_named_the_outermost_first(schema: dict[str, Any]) -> None:
    spec, status = (schema["properties"][part]["properties"] for part in ("spec", "status"))
    del spec["answers"]
    del spec["search"]["properties"]["config"]["properties"]["retrievalK"]
    del spec["search"]["properties"]["pod"]["properties"]["tolerations"]["items"]["properties"]["operator"]
    del status["url"]
    del status["generations"]["items"]["properties"]["bytes"]

    missing = missing_fields(schema)

    assert ("spec.answers", "spec.search.config.retrievalK", "spec.search.pod.tolerations[].operator",
            "status.generations[].bytes", "status.url") == missing  # fmt: skip


def test_a_crd_that_keeps_everything_lacks_nothing(schema: dict[str, Any]) -> None:
    schema["properties"]["spec"] = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}

    assert () == missing_fields(schema)
