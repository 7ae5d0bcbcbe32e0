"""Gives a Job another name each time it asks for it, as `generateName` would."""

import uuid
from typing import Any

from tests.apiserver.faults.mutants.running import run

from clockifyrag_operator.client import Client
from clockifyrag_operator.observed import Manifest

_create = Client.create


async def create(self: Client, manifest: Manifest) -> Manifest:
    if manifest["kind"] == "Job":
        metadata = manifest["metadata"]
        manifest = {**manifest, "metadata": {**metadata, "name": f"{metadata['name']}-{uuid.uuid4().hex[:5]}"}}
    return await _create(self, manifest)


def mutate() -> None:
    changed: Any = Client
    changed.create = create


if __name__ == "__main__":
    mutate()
    run()
