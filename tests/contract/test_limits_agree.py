"""What the resource allows the server accepts: a manifest that is valid never fails when the server starts."""

import pytest
from pydantic.fields import FieldInfo

from clockifyrag_index.graph_limits import EF_CONSTRUCTION_MAX, EF_CONSTRUCTION_MIN, M_MAX, M_MIN
from clockifyrag_resource.index import Hnsw
from clockifyrag_resource.search_config import SearchConfig
from clockifyrag_service.settings import Settings

SHARED = sorted(SearchConfig.model_fields.keys() & Settings.model_fields.keys())


def bounds(field: FieldInfo) -> dict[str, float]:
    """ge, le, gt and lt of a field."""
    return {
        name: getattr(one, name) for one in field.metadata for name in ("ge", "le", "gt", "lt") if hasattr(one, name)
    }


@pytest.mark.parametrize("name", SHARED)
def test_the_server_accepts_every_number_that_the_resource_allows(name: str) -> None:
    resource, server = bounds(SearchConfig.model_fields[name]), bounds(Settings.model_fields[name])

    assert resource.get("le", 0) <= server.get("le", float("inf"))
    assert resource.get("ge", 0) >= server.get("ge", 0)


def test_a_graph_may_be_asked_for_as_the_resource_allows_it() -> None:
    resource = {name: bounds(field) for name, field in Hnsw.model_fields.items()}

    assert {"ge": M_MIN, "le": M_MAX} == resource["m"]
    assert {"ge": EF_CONSTRUCTION_MIN, "le": EF_CONSTRUCTION_MAX} == resource["ef_construction"]


def test_most_of_the_search_settings_are_shared() -> None:
    assert len(SHARED) >= 12
