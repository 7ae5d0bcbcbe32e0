"""Field: where faults are tried. A stage is a namespace with controllers, an operator of its own and one resource."""

from __future__ import annotations

import secrets
from collections import Counter
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any, Self

from tests.apiserver.controllers import Controllers
from tests.apiserver.controlplane import Api, ControlPlane
from tests.apiserver.faults.story import Manifest, Story
from tests.apiserver.operator_process import ACCOUNT, OperatorProcess, Operators
from tests.apiserver.proxy import FaultProxy
from tests.waiting import wait_until

from clockifyrag_operator.handlers import watched

WATCHES = len(watched())
LISTS = 3  # of each kind that is watched, at a start: the operator's, kopf's, and the operator's after that
START_SECONDS = 60.0
# A lease lost on a busy machine is a start from a whole list, which mends what many a mutant breaks.
KEEPS_ITS_LEASE: dict[str, Any] = {"LEASE_SECONDS": 60, "LEASE_RENEW_SECONDS": 20}
RESTRICTED = {"pod-security.kubernetes.io/enforce": "restricted"}


@dataclass
class Stage:
    """One resource, what runs it, and what is between that and the API server."""

    story: Story
    operator: OperatorProcess
    proxy: FaultProxy

    def wait_listed(self) -> None:
        """Until the operator has listed all after kopf did: that brings what was missed, and mends what is broken."""
        self.story.wait(lambda: self._kinds_listed() >= WATCHES, "all is listed that a start lists")

    def _kinds_listed(self) -> int:
        lists = Counter(one.call.resource for one in list(self.proxy.exchanges) if one.call.verb == "list")
        return sum(count >= LISTS for count in lists.values())

    def restart(self) -> None:
        """The operator is killed and started again, at once the leader."""
        self.operator.kill()
        self.proxy.revive()
        self.operator.start_at_once()


class Field:
    """Sets stages; on leaving, their operators are killed and the controllers leave their namespaces alone."""

    def __init__(self, control_plane: ControlPlane, controllers: Controllers, operators: Operators) -> None:
        self.control_plane, self.controllers, self.operators = control_plane, controllers, operators
        self._closing = ExitStack()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._closing.close()

    @property
    def api(self) -> Api:
        return self.control_plane.admin

    def story(self, name: str = "help") -> Story:
        """A resource to be, in a new namespace."""
        namespace = f"test-{secrets.token_hex(4)}"
        self.api.post("/api/v1/namespaces", {"metadata": {"name": namespace, "labels": RESTRICTED}})
        self.api.post(f"/api/v1/namespaces/{namespace}/serviceaccounts", {"metadata": {"name": "default"}})
        self.controllers.world(namespace)
        self._closing.callback(self.controllers.forget, namespace)
        return Story(self.api, self.controllers, namespace, name)

    def proxy(self) -> FaultProxy:
        """Before the control plane; it passes the client's token on."""
        authority = self.api.user.authority_file.read_text()
        return self._closing.enter_context(FaultProxy(self.control_plane.url, authority))

    def operator(self, story: Story, proxy: FaultProxy | None = None, **settings: Any) -> OperatorProcess:
        """An operator of the story's namespace, ready."""
        settings = {**KEEPS_ITS_LEASE, **settings} if settings.get("mutant") else settings
        operator = self.operators.start(story.namespace, proxy=proxy, **settings)
        self._closing.callback(operator.kill)
        story.explain.append(operator.explain)
        if proxy is not None:  # it is ready as a standby, too: numbers of events begin when all is watched
            wait_until(lambda: len(proxy.open_watches()) >= WATCHES, START_SECONDS, "it watches", operator.explain)
        return operator

    def grant(self, namespace: str, resource: str, *verbs: str) -> None:
        """The operator of the namespace may do more than the chart lets it, as some mutants must to do harm."""
        path = f"/apis/rbac.authorization.k8s.io/v1/namespaces/{namespace}"
        rule = {"apiGroups": ["clockifyrag.io"], "resources": [resource], "verbs": list(verbs)}
        self.api.post(f"{path}/roles", {"metadata": {"name": "more"}, "rules": [rule]})
        subject = {"kind": "ServiceAccount", "name": ACCOUNT, "namespace": namespace}
        role = {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "more"}
        self.api.post(f"{path}/rolebindings", {"metadata": {"name": "more"}, "subjects": [subject], "roleRef": role})

    def ends_with(self, deed: Callable[[], object]) -> None:
        """The deed is done when the field is cleared away."""
        self._closing.callback(deed)

    def stage(self, spec: Manifest | None = None, **settings: Any) -> Stage:
        """A stage; with a spec its resource is made, and ready."""
        story, proxy = self.story(), self.proxy()
        stage = Stage(story, self.operator(story, proxy, **settings), proxy)
        if spec is not None:
            story.create(spec)
            story.wait_ready()
            if settings.get("mutant"):  # or the lists of its start undo what it does
                stage.wait_listed()
        return stage
