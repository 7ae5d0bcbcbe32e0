"""The CustomResourceDefinition, made from the models that read a resource.

python -m clockifyrag_resource.crd >crds/clockifyrag.yaml
"""

import functools
import hashlib
import json
from typing import Any

import yaml

from clockifyrag_resource.cel import KEY
from clockifyrag_resource.crd_schema import Schema, structural_schema
from clockifyrag_resource.resource import API_VERSION, KIND, ClockifyRAG, Spec
from clockifyrag_resource.status_schema import Status

GROUP, VERSION = API_VERSION.split("/")
PLURAL = "clockifyrags"
NAME = f"{PLURAL}.{GROUP}"
SCHEMA_ANNOTATION = f"{GROUP}/schema"
SIZE_BYTES_MAX = 256 * 1024  # below what `kubectl apply` can keep in an annotation

_HEADER = (
    "# Written by `python -m clockifyrag_resource.crd` from the models that read a resource; do not edit it by hand.\n"
)
_KIND_DESCRIPTION = (
    "Documents to answer from, and how. spec.source alone is required; a field that is left out has its default. "
    "kubectl refuses fields that do not exist by their path (--validate=strict, its default); clients that do not "
    "validate lose them silently."
)
_READY = '.status.conditions[?(@.type=="Ready")]'
_COLUMNS = (  # name, type, path; the last three with -o wide
    ("Ready", "string", f"{_READY}.status"),
    ("Reason", "string", f"{_READY}.reason"),
    ("Generation", "string", ".status.index.generation"),
    ("Docs", "integer", ".status.index.documents"),
    ("Chunks", "integer", ".status.index.chunks"),
    ("Model", "string", ".status.index.model"),
    ("Age", "date", ".metadata.creationTimestamp"),
    ("Replicas", "integer", ".status.search.replicas"),
    ("MRR", "string", ".status.index.mrr"),
    ("URL", "string", ".status.url"),
)
_WIDE = {"Replicas", "MRR", "URL"}


def custom_resource_definition() -> dict[str, Any]:
    """The whole object, as it is applied."""
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {
            "name": NAME,
            "annotations": {SCHEMA_ANNOTATION: schema_digest()},
            "labels": {"app.kubernetes.io/name": "clockifyrag", "app.kubernetes.io/part-of": "clockifyrag"},
        },
        "spec": _spec(),
    }


@functools.cache
def schema_digest() -> str:
    """12 hexadecimal digits that change with anything in the definition's spec; the operator compares them with the
    annotation SCHEMA_ANNOTATION in the cluster, so that it notices a definition older or newer than itself."""
    canonical = json.dumps(_spec(), sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).hexdigest()[:12]


def crd_text() -> str:
    """crds/clockifyrag.yaml."""
    return _HEADER + yaml.dump(custom_resource_definition(), Dumper=_Dumper, sort_keys=False, width=118)


def _spec() -> dict[str, Any]:
    return {
        "group": GROUP,
        "scope": "Namespaced",
        "names": {
            "kind": KIND,
            "listKind": f"{KIND}List",
            "plural": PLURAL,
            "singular": KIND.lower(),
            "shortNames": ["crag"],
            "categories": ["all"],
        },
        "versions": [
            {
                "name": VERSION,
                "served": True,
                "storage": True,
                "schema": {"openAPIV3Schema": _root_schema()},
                "additionalPrinterColumns": [_column(*column) for column in _COLUMNS],
                "subresources": {
                    "status": {},
                    "scale": {
                        "specReplicasPath": ".spec.search.replicas",
                        "statusReplicasPath": ".status.search.replicas",
                        "labelSelectorPath": ".status.selector",
                    },
                },
            }
        ],
    }


def _column(name: str, kind: str, path: str) -> dict[str, Any]:
    wide = {"priority": 1} if name in _WIDE else {}
    return {"name": name, "type": kind, "jsonPath": path, **wide}


def _root_schema() -> Schema:
    """apiVersion, kind and metadata are the API server's; it checks them itself."""
    return {
        "type": "object",
        "description": _KIND_DESCRIPTION,
        "required": ["spec"],
        KEY: [rule.schema() for rule in ClockifyRAG.api_rules],
        "properties": {
            "apiVersion": {"type": "string", "description": f"{API_VERSION}."},
            "kind": {"type": "string", "description": f"{KIND}."},
            "metadata": {"type": "object"},
            "spec": structural_schema(Spec),
            "status": structural_schema(Status),
        },
    }


class _Dumper(yaml.SafeDumper):
    """Without anchors: what stands in several places is written out in each."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


if __name__ == "__main__":
    print(crd_text(), end="")
