"""The glossary: which entry of a ConfigMap it is, and how pods find it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import PurePosixPath

from clockifyrag_operator import names
from clockifyrag_operator.manifest import spec_of
from clockifyrag_operator.observed import Observed, Wanted
from clockifyrag_operator.pod_parts import Fields, config_map_files, mount

_DEFAULT_KEY = "glossary.csv"  # while the ConfigMap is missing and its only key cannot be known


@dataclass(frozen=True, slots=True)
class GlossaryEntry:
    """One entry of a ConfigMap."""

    config_map: str
    key: str
    digest: str | None  # of its content; None while it is missing


def glossary_entry(wanted: Wanted, seen: Observed) -> GlossaryEntry | None:
    """The entry the resource names, or the only one of the ConfigMap it names; None without a glossary."""
    glossary = spec_of(wanted).glossary
    if glossary is None:
        return None
    name, key = glossary.config_map_ref.name, glossary.config_map_ref.key
    if key is None:
        known = sorted(seen.config_maps.keys() - _questions(wanted))
        key = next((one.partition("/")[2] for one in known if one.startswith(f"{name}/")), _DEFAULT_KEY)
    return GlossaryEntry(name, key, seen.config_maps.get(f"{name}/{key}"))


def _questions(wanted: Wanted) -> set[str]:
    """The entry of judged questions, which may lie in the same ConfigMap; empty where none is named by its key."""
    quality = spec_of(wanted).index.quality
    questions = quality.eval_config_map_ref if quality is not None else None
    return {f"{questions.name}/{questions.key}"} if questions is not None and questions.key else set()


def glossary_volume(entry: GlossaryEntry) -> Fields:
    """The entry as a file. A glossary that is missing is told by the pods and keeps none of them from answering."""
    return config_map_files(
        "glossary", entry.config_map, {entry.key: PurePosixPath(names.GLOSSARY_FILE).name}, optional=True
    )


def glossary_mount() -> Fields:
    """Where pods find it; a folder, so that changes arrive."""
    return mount("glossary", str(PurePosixPath(names.GLOSSARY_FILE).parent), read_only=True)
