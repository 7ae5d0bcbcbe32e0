"""A publisher that writes a new generation over the files of the published one, and then gives the folder its name.

The image of the builder stays as it is. A file of the ConfigMap `mutant` in the Jobs' namespace, which Python runs as
it starts, puts these steps behind the one rename with which a generation appears. Builders in a cluster write no
CURRENT, so the published generation is taken to be the one that was written last.
"""

from tests.apiserver.faults.mutants.running import run

from clockifyrag_operator.decision import Decision
from clockifyrag_operator.ledger import BuildOrder
from clockifyrag_operator.objects import build_job
from clockifyrag_operator.observed import Wanted
from clockifyrag_operator.pod_parts import Fields

SITECUSTOMIZE = """
import importlib
import shutil

from clockifyrag_index.layout import META, Layout

building = importlib.import_module("clockifyrag_builder.build")
writes = building.write_generation


def in_place(root, *arguments, **options):
    layout = Layout(root)
    standing = [layout.generation(one) for one in layout.generation_ids()]
    outcome = writes(root, *arguments, **options)
    if not standing or not outcome.created:
        return outcome
    published = max(standing, key=lambda folder: (folder / META).stat().st_mtime_ns)
    for file in (file for file in sorted(outcome.path.rglob("*")) if file.is_file()):
        (published / file.relative_to(outcome.path)).write_bytes(file.read_bytes())
    shutil.rmtree(outcome.path)
    published.rename(outcome.path)
    return outcome


building.write_generation = in_place
"""
FOLDER = "/mutant"


def mutate() -> None:
    drawn = build_job._template

    def template(wanted: Wanted, decision: Decision, order: BuildOrder) -> Fields:
        made = drawn(wanted, decision, order)
        pod = made["spec"]
        (builder,) = pod["containers"]
        builder["env"] = [*builder.get("env", ()), {"name": "PYTHONPATH", "value": FOLDER}]
        builder["volumeMounts"] = [*builder["volumeMounts"], {"name": "mutant", "mountPath": FOLDER, "readOnly": True}]
        pod["volumes"] = [*pod["volumes"], {"name": "mutant", "configMap": {"name": "mutant"}}]
        return made

    build_job._template = template


if __name__ == "__main__":
    mutate()
    run()
