"""Pods that count as dead while the model server does not answer."""

from urllib.parse import urlsplit

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
        server = urlsplit(search_url(wanted, decision) or "")
        asked = {"host": server.hostname, "port": server.port, "path": "/api/version"}
        made["livenessProbe"] = {"httpGet": asked, "periodSeconds": 2, "failureThreshold": 2}
        return made

    search._container = container


if __name__ == "__main__":
    mutate()
    run()
