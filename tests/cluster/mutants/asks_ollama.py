"""Pods that count as dead while the model server does not answer."""

from tests.apiserver.faults.mutants.running import run

from clockifyrag_operator.decision import Decision
from clockifyrag_operator.objects import search
from clockifyrag_operator.objects.model_server import search_url
from clockifyrag_operator.observed import Wanted
from clockifyrag_operator.pod_parts import Fields


def mutate() -> None:
    drawn = search._container

    def container(wanted: Wanted, decision: Decision, mounts: list[Fields]) -> Fields:
        made = drawn(wanted, decision, mounts)
        asks = f"import urllib.request; urllib.request.urlopen('{search_url(wanted, decision)}/api/version', timeout=2)"
        command = {"command": ["python3", "-c", asks]}  # the restricted profile forbids a probe of another host
        made["livenessProbe"] = {"exec": command, "periodSeconds": 2, "timeoutSeconds": 5, "failureThreshold": 2}
        return made

    search._container = container


if __name__ == "__main__":
    mutate()
    run()
