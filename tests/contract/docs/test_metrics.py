"""docs/metrics.md and what /metrics exposes agree, in both directions."""

import io
import re

from pages import page
from prometheus_client import Metric
from prometheus_client.parser import text_string_to_metric_families

from clockifyrag_service.access import ENDPOINTS
from clockifyrag_service.metrics import PARTS, STAGES, VOTES, IndexFacts
from clockifyrag_service.parts import assembled

from .application import settings

METRICS = page("docs/metrics.md")


def exposed() -> list[Metric]:
    """The families as Prometheus reads them, after one request and with an index."""
    metrics = assembled(settings(), io.StringIO()).metrics
    metrics.request("/search", 200)
    metrics.index = IndexFacts("gen-0123456789ab", "all-minilm", 1_700_000_000.0, 7)
    return list(text_string_to_metric_families(metrics.exposition().decode()))


def name_of(family: Metric) -> str:
    """The name as it stands in a query."""
    return f"{family.name}_total" if family.type == "counter" else family.name


def test_each_metric_stands_in_the_table_with_its_type_and_labels() -> None:
    expected = {
        f"`{name_of(family)}`": (family.type, {name for sample in family.samples for name in sample.labels} - {"le"})
        for family in exposed()
    }

    (table,) = METRICS.tables("metric", "type", "labels")

    assert expected == {row[0]: (row[1], set(re.findall(r"`(\w+)`", row[2]))) for row in table.rows}


def test_each_metric_has_a_section_with_a_query_of_it() -> None:
    (table,) = METRICS.tables("metric")

    names = table.column(0)

    assert names == METRICS.headings[1:]
    assert len(names) == len(METRICS.blocks("promql"))
    assert [] == [name for name, block in zip(names, METRICS.blocks("promql"), strict=True) if name not in block]


def test_queries_ask_for_series_and_label_values_that_exist() -> None:
    queries = "\n".join(METRICS.blocks("promql"))
    samples = {sample.name for family in exposed() for sample in family.samples}
    values = {*STAGES, *VOTES, *PARTS, *ENDPOINTS, "0.1", "5.."}

    asked = set(re.findall(r"\brag_\w+", queries))
    selected = set(re.findall(r'=~?"([^"]+)"', queries))

    assert set() == asked - samples
    assert set() == selected - values


def test_the_values_of_labels_are_told() -> None:
    told = set(METRICS.code)

    assert {*STAGES, *PARTS, *VOTES, "other"} <= told


def test_other_pages_name_metrics_that_exist() -> None:
    names = {name_of(family) for family in exposed()}
    texts = (page(name).path.read_text() for name in ("README.md", "docs/api.md", "docs/troubleshooting.md"))

    named = {name for text in texts for name in re.findall(r"\brag_[a-z_]+", text)}

    assert set() == named - names
