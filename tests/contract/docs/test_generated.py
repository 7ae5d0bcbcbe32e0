"""Documents that are written from the code say what it says."""

import pytest
from pages import page

from clockifyrag_resource.document import resource_document
from clockifyrag_resource.resource import ClockifyRAG
from clockifyrag_service.settings import settings_document


def test_the_settings_document_is_what_the_settings_say() -> None:
    written = page("docs/settings.md").path.read_text()

    assert settings_document() == written, "write it anew: python -m clockifyrag_service.settings >docs/settings.md"


def test_the_resource_document_is_what_the_models_say() -> None:
    written = page("docs/resource.md").path.read_text()

    assert resource_document() == written, "write it anew: python -m clockifyrag_resource.document >docs/resource.md"


def test_the_resource_document_names_each_field_that_the_schema_knows_and_no_path_twice() -> None:
    parts = ClockifyRAG.model_json_schema()["$defs"].values()
    known = {field for part in parts for field in part.get("properties", ())}

    paths = [name for table in page("docs/resource.md").tables("field") for name in table.column(0)]

    assert known == {path.rpartition(".")[2] for path in paths}
    assert sorted(set(paths)) == sorted(paths)


@pytest.mark.parametrize(
    ("path", "default", "effect"),
    [
        pytest.param("spec.source", "required", "", id="required"),
        pytest.param("spec.chunking.maxChars", "", "new index", id="default-told-in-words"),
        pytest.param("spec.chunking.minChars", "`200`", "new index", id="number"),
        pytest.param("spec.index.quality.maxDrop", '`"0.02"`', "neither", id="quoted-fraction"),
        pytest.param("spec.search.config.cacheMaxBytes", "`64Mi`", "new pods", id="quantity"),
        pytest.param("spec.networkPolicy.enabled", "`true`", "neither", id="truth"),
        pytest.param("spec.glossary.configMapRef.name", "required", "new pods", id="effect-of-what-holds-it"),
    ],
)
def test_a_field_tells_its_default_and_what_changing_it_sets_off(path: str, default: str, effect: str) -> None:
    rows = {row[0]: row for table in page("docs/resource.md").tables("field") for row in table.rows}

    assert (default, effect) == rows[f"`{path}`"][2:4]
