"""What a test of the first table of docs/reliability.md gave, kept beside the results of a cluster."""

from __future__ import annotations

import re
from collections.abc import Mapping

from tests.apiserver.reliability import rows
from tests.cluster import results


def keep(node: str, figures: Mapping[str, object]) -> None:
    """Writes the result of a test, named as pytest does, that passed; of one that stands for no row nothing.

    figures: what it recorded; `tried` is how many places of the fault were.
    """
    name, _, case = node.removesuffix("]").partition("[")
    found = [row for row in rows() if row.node == name]
    if not found:
        return
    faults = {row.fault for row in found}  # one test may stand for several, a case each
    tried = f"{figures['tried']} tried" if "tried" in figures else ""
    results.keep(
        re.sub(r"\W+", "-", f"{found[0].test.removeprefix('test_')} {case}".strip()),
        ", ".join(dict.fromkeys(number for row in found for number in row.numbers)),
        node=node,
        fault="; ".join(filter(None, (faults.pop() if len(faults) == 1 else found[0].promise, case, tried))),
        load=found[0].load,
        **{figure: value for figure, value in figures.items() if figure != "tried"},
    )
