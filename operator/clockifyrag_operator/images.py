"""Images: which are in use, and what a new version of the operator would change."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from clockifyrag_operator import names
from clockifyrag_operator.build_key import BUILDER_FORMAT
from clockifyrag_operator.decision import Images, Reason
from clockifyrag_operator.desired import TEMPLATE_VERSION
from clockifyrag_operator.manifest import annotation
from clockifyrag_operator.observed import Observed, Wanted
from clockifyrag_operator.settings import Settings
from clockifyrag_resource.resource import Spec

AUTO = "spec.upgradePolicy: Auto takes it over"


@dataclass(frozen=True, slots=True)
class Resolved:
    """Images of one resource."""

    in_use: Images  # what the spec names, else the defaults
    defaults: Images  # resolved once and kept in the status: upgradePolicy Manual holds on to them
    upgrade: Reason | None  # what Manual holds back


def resolved(wanted: Wanted, spec: Spec | None, seen: Observed, settings: Settings) -> Resolved:
    """The images to use; what the spec names wins always."""
    offered = Images(
        settings.service_image, settings.index_builder_image, settings.ollama_image, TEMPLATE_VERSION, BUILDER_FORMAT
    )
    kept = _kept(wanted.status.get("images"), offered)
    manual = spec is None or spec.upgrade_policy == "Manual"
    held = kept if manual and kept is not None else offered
    live = _live_template(wanted, seen)
    defaults = replace(held, template=live if manual and live else TEMPLATE_VERSION)
    if spec is None:
        return Resolved(defaults, defaults, None)
    server = spec.ollama.server
    in_use = Images(
        service=spec.search.image or defaults.service,
        index_builder=spec.build.image or defaults.index_builder,
        ollama=(server.image if server else None) or defaults.ollama,
        template=defaults.template,
        format=BUILDER_FORMAT if spec.build.image else defaults.format,  # a named one is taken to be as new as we are
    )
    return Resolved(in_use, defaults, _upgrade(defaults, offered, spec))


def record(images: Images) -> dict[str, Any]:
    """As they stand in the status."""
    return {
        "service": images.service,
        "indexBuilder": images.index_builder,
        "ollama": images.ollama,
        "template": images.template,
        "format": images.format,
    }


def _kept(told: Any, offered: Images) -> Images | None:
    """The defaults the status remembers; those of a name it lacks are today's.

    The format is the remembered one only where the builder is another than today's.
    """
    if not isinstance(told, Mapping):
        return None
    texts = {
        field: told[name] if isinstance(told.get(name), str) and told[name] else getattr(offered, field)
        for field, name in (("service", "service"), ("index_builder", "indexBuilder"), ("ollama", "ollama"))
    }
    same = texts["index_builder"] == offered.index_builder
    format_ = offered.format if same or not isinstance(told.get("format"), int) else told["format"]
    return Images(**texts, template=offered.template, format=format_)


def _live_template(wanted: Wanted, seen: Observed) -> int | None:
    """The version of the templates that live workloads were made from: the oldest, None without workloads."""
    workloads = (*seen.all("Deployment"), *seen.all("StatefulSet"))
    told = [annotation(one, names.TEMPLATE) for one in workloads]
    versions = [int(text) for text in told if text and text.isdecimal()]
    return min(versions, default=None)


def _upgrade(held: Images, offered: Images, spec: Spec) -> Reason | None:
    server = spec.ollama.server
    pairs = [
        (held.service, offered.service, spec.search.image),
        (held.index_builder, offered.index_builder, spec.build.image),
        (held.ollama, offered.ollama, server.image if server else None),
    ]
    changes = [f"{before} → {after}" for before, after, named in pairs if before != after and named is None]
    return Reason("NewImages", f"{', '.join(changes)}; {AUTO}") if changes else None
