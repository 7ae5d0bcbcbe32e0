"""Pods that end as soon as they are told to: new connections still come to them."""

from tests.apiserver.faults.mutants.running import run

from clockifyrag_operator.objects import search, settings_map
from clockifyrag_operator.pod_parts import Fields


def mutate() -> None:
    drawn = search._container

    def container(*arguments: object) -> Fields:
        made = drawn(*arguments)  # type: ignore[arg-type]
        del made["lifecycle"]
        return made

    search._container = container  # type: ignore[assignment]
    settings_map.DRAIN_SECONDS = 0
    settings_map.SHUTDOWN_SECONDS = 1


if __name__ == "__main__":
    mutate()
    run()
