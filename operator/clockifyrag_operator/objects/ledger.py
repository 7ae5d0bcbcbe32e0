"""The ConfigMap of the pointer and the ledger."""

from __future__ import annotations

from clockifyrag_operator import names
from clockifyrag_operator.ledger import Ledger, ledger_text
from clockifyrag_operator.manifest import given, manifest
from clockifyrag_operator.observed import Manifest, Wanted


def ledger_config_map(wanted: Wanted, ledger: Ledger, version: str | None) -> Manifest:
    """`<name>-generations`: which generation is published, and all that is known of the generations on the volume.

    version: the resourceVersion it replaces, so that no other writer's ledger is lost; None when there is none yet.
    """
    data = given(**{names.CURRENT_KEY: ledger.current}) | {names.LEDGER_KEY: ledger_text(ledger)}
    config_map = manifest("v1", "ConfigMap", wanted, names.generations(wanted.name), names.INDEX, data=data)
    if version is not None:
        config_map["metadata"]["resourceVersion"] = version
    return config_map
