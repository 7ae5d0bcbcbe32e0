"""From a resource as the API server tells it to Wanted, with all that is wrong with it where it is not valid."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from clockifyrag_operator.manifest import digest
from clockifyrag_operator.observed import Manifest, Wanted
from clockifyrag_resource.errors import ResourceInvalid
from clockifyrag_resource.load import resource_of
from clockifyrag_resource.resource import ClockifyRAG


def wanted_of(body: Manifest) -> Wanted:
    """What the author of the resource wants.

    Labels and annotations are not looked at: the API server judged them, and other tools write there what they like.
    """
    metadata: dict[str, Any] = body["metadata"]
    rag: ClockifyRAG | None = None
    problems: tuple[str, ...] = ()
    try:
        rag = resource_of(
            {
                "apiVersion": body.get("apiVersion"),
                "kind": body.get("kind"),
                "metadata": {"name": metadata["name"], "namespace": metadata["namespace"]},
                "spec": body.get("spec", {}),
            },
            "",
        )
    except ResourceInvalid as error:
        problems = tuple(str(problem) for problem in error.problems)
    return Wanted(
        namespace=metadata["namespace"],
        name=metadata["name"],
        uid=metadata["uid"],
        generation=metadata.get("generation", 1),
        annotations=dict(metadata.get("annotations") or {}),
        rag=rag,
        problems=problems,
        deleting="deletionTimestamp" in metadata,
        status=body.get("status") or {},
    )


@dataclass(frozen=True, slots=True)
class Reference:
    """A ConfigMap the spec names, and what of it is read."""

    name: str
    keys: tuple[str, ...] = ()  # () stands for all
    entry: bool = False  # one entry is meant: the only one where `keys` is empty


def references(wanted: Wanted) -> tuple[Reference, ...]:
    """The ConfigMaps the spec names: the source as a whole, glossary and questions as one entry each; () where nobody
    reads them, as the spec is invalid or the resource on its way out.
    """
    if wanted.rag is None or wanted.deleting:
        return ()
    spec, found = wanted.rag.spec, []
    if (source := spec.source.config_map_ref) is not None:
        found.append(Reference(source.name, tuple(source.keys)))
    entries = [spec.glossary.config_map_ref] if spec.glossary else []
    if spec.index.quality is not None and (questions := spec.index.quality.eval_config_map_ref) is not None:
        entries.append(questions)
    found += [Reference(one.name, (one.key,) if one.key else (), entry=True) for one in entries]
    return tuple(found)


def shown_references(
    wanted: tuple[Reference, ...], content: Mapping[str, Mapping[str, str] | None]
) -> dict[str, str | None]:
    """Observed.config_maps: the digest of each reference by its handle; None where nothing is there.

    content: per ConfigMap the digest of each of its keys, None where it is missing. The handle is the name for a source
    and name/key for an entry; the name alone for an entry that cannot be told, as there is not exactly one.
    """
    shown: dict[str, str | None] = {}
    for one in wanted:
        digests = content.get(one.name)
        if not one.entry:
            kept = {key: told for key, told in (digests or {}).items() if not one.keys or key in one.keys}
            shown[one.name] = digest(kept) if digests is not None else None
            continue
        key = one.keys[0] if one.keys else next(iter(digests), None) if digests and len(digests) == 1 else None
        if key is not None:
            shown[f"{one.name}/{key}"] = (digests or {}).get(key)
        else:
            shown.setdefault(one.name, None)
    return shown
