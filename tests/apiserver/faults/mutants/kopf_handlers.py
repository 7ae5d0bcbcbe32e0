"""Does the work in kopf's own handlers, which keep annotations and finalizers on objects."""

from typing import Any

import aiohttp
import kopf
from tests.apiserver.faults.mutants.running import run

from clockifyrag_operator import handlers, names
from clockifyrag_operator.credentials import Access
from clockifyrag_operator.wakes import Hear

_registry = handlers.registry


async def nothing(**_: Any) -> None:
    """What it would do is not what this is about."""


def registry_with_handlers(hear: Hear, access: Access, trace: aiohttp.TraceConfig) -> kopf.OperatorRegistry:
    made = _registry(hear, access, trace)
    for register in (kopf.on.create, kopf.on.update, kopf.on.delete):
        register(names.GROUP, names.VERSION, names.PLURAL, registry=made)(nothing)
    return made


def mutate() -> None:
    changed: Any = handlers
    changed.registry = registry_with_handlers


if __name__ == "__main__":
    mutate()
    run()
