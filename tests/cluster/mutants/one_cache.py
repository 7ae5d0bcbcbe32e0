"""Pods whose cache knows no generation: an answer of the one before is given again.

The service's image stays as it is. A file of the ConfigMap `mutant` in the pods' namespace, which Python runs as it
starts, takes the generation out of the cache's keys, and leaves out the answers that a new generation begins with: they
would take the place of the old ones.
"""

from tests.apiserver.faults.mutants.running import run

from clockifyrag_operator.objects import search
from clockifyrag_operator.pod_parts import Fields

SITECUSTOMIZE = """
from clockifyrag_service import loading

loading.key_prefix = lambda *_: b"one for all"
loading.warmed = lambda *_, **__: []
"""
FOLDER = "/mutant"


def mutate() -> None:
    container, volumes = search._container, search._volumes

    def with_path(*arguments: object) -> Fields:
        made = container(*arguments)  # type: ignore[arg-type]
        made["env"] = [*made.get("env", ()), {"name": "PYTHONPATH", "value": FOLDER}]
        return made

    def with_file(*arguments: object) -> tuple[list[Fields], list[Fields]]:
        held, mounts = volumes(*arguments)  # type: ignore[arg-type]
        file = {"name": "mutant", "configMap": {"name": "mutant"}}
        return [*held, file], [*mounts, {"name": "mutant", "mountPath": FOLDER, "readOnly": True}]

    search._container = with_path  # type: ignore[assignment]
    search._volumes = with_file  # type: ignore[assignment]


if __name__ == "__main__":
    mutate()
    run()
