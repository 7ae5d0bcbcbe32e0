"""ClockifyRAG resources over HTTP, as a person's kubectl would write them."""

import secrets
from collections.abc import Mapping
from typing import Any

import httpx
from crd_examples import Example, manifest
from tests.apiserver.controlplane import ControlPlane


class Resources:
    """The resources of one namespace, over HTTP; fields that do not exist are refused, as by kubectl."""

    def __init__(self, control_plane: ControlPlane, namespace: str) -> None:
        self.api = control_plane.admin
        self.path = f"/apis/clockifyrag.io/v1beta1/namespaces/{namespace}/clockifyrags"

    def create(self, resource: Mapping[str, Any], **query: str) -> httpx.Response:
        return self.api.request("POST", self.path, resource, fieldValidation="Strict", **query)

    def tried(self, spec: Mapping[str, Any]) -> httpx.Response:
        """The answer to creating it, without creating it."""
        return self.create(manifest(spec), dryRun="All")

    def changed(self, before: Mapping[str, Any], after: Mapping[str, Any]) -> httpx.Response:
        """The answer to replacing a resource, without replacing it."""
        name = f"a{secrets.token_hex(8)}"
        stored = self.create(manifest({"$name": name, **before}))
        assert stored.status_code == 201, stored.text
        wanted = manifest({"$name": name, **after})
        wanted["metadata"]["resourceVersion"] = stored.json()["metadata"]["resourceVersion"]
        return self.api.request("PUT", f"{self.path}/{name}", wanted, fieldValidation="Strict", dryRun="All")

    def answer(self, example: Example) -> httpx.Response:
        if example.before is None:
            return self.tried(example.spec)
        return self.changed(example.before, example.spec)
