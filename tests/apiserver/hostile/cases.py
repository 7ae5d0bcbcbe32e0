"""Forty resources that ask for more than their author may have, and what must become of each.

Refused: the API server says no, with these words. Told: it is stored, and a condition names the field and the fix.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

Spec = dict[str, Any]
# What a resource has before its first index: neither a Job nor search pods.
ALL_BUT_ITS_BUILD = frozenset(
    {"configmaps", "networkpolicies", "persistentvolumeclaims", "poddisruptionbudgets", "secrets", "serviceaccounts",
     "services", "statefulsets"}
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Refused:
    """The API server refuses it; each of the words stands in its answer."""

    words: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Told:
    """It is stored, and the condition says what is wrong: each of the words stands in its message.

    made: the plurals of all that may be made for it.
    """

    condition: str
    status: str
    reason: str
    words: tuple[str, ...]
    made: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Hostile:
    """One resource: its spec over a harmless one, or another name, and what must happen."""

    title: str
    spec: Spec
    outcome: Refused | Told
    name: str = "hostile"
    metadata: Mapping[str, Any] | None = None


def _source(**source: Any) -> Spec:
    return {"source": source}


def _over(**parts: Any) -> Spec:
    return {"source": {"sample": {}}, "embedding": {"provider": "Local"}, **parts}


def _pod(part: str, **pod: Any) -> Spec:
    if part == "ollama":
        return {"source": {"sample": {}}, "ollama": {"server": {"pod": pod}}}
    return _over(**{part: {"pod": pod}})


PRIVILEGED = (
    Hostile(
        "a privileged security context in the pods that answer",
        _pod("search", securityContext={"runAsUser": 0}),
        Refused(("securityContext",)),
    ),
    Hostile(
        "containers of its own in the pods that answer",
        _pod("search", containers=[{"name": "mine", "image": "mine", "securityContext": {"privileged": True}}]),
        Refused(("containers",)),
    ),
    Hostile(
        "init containers of its own in a build",
        _pod("build", initContainers=[{"name": "mine", "image": "mine"}]),
        Refused(("initContainers",)),
    ),
    Hostile("the node's network", _pod("search", hostNetwork=True), Refused(("hostNetwork",))),
    Hostile("the node's processes", _pod("build", hostPID=True), Refused(("hostPID",))),
    Hostile(
        "a folder of the node in the pods that answer",
        _pod("search", volumes=[{"name": "root", "hostPath": {"path": "/"}}]),
        Refused(("volumes",)),
    ),
    Hostile(
        "a folder of the node as its source",
        _source(hostPath={"path": "/etc"}),
        Refused(("hostPath",)),
    ),
    Hostile(
        "a folder of the node below the model server",
        _pod("ollama", volumes=[{"name": "root", "hostPath": {"path": "/"}}]),
        Refused(("volumes",)),
    ),
    Hostile(
        "another service account",
        _pod("search", serviceAccountName="cluster-admin"),
        Refused(("serviceAccountName",)),
    ),
    Hostile("a token in the pods", _pod("search", automountServiceAccountToken=True), Refused(("automount",))),
    Hostile("another node by its name", _pod("build", nodeName="control-plane"), Refused(("nodeName",))),
    Hostile(
        "labels by which the operator finds its pods",
        _pod("search", labels={"clockifyrag.io/resource": "somebody-elses"}),
        Refused(("reserved",)),
    ),
)
OTHERS_SECRETS = (
    Hostile(
        "a Secret of another namespace",
        _over(search={"auth": {"secretRef": {"name": "keys", "namespace": "kube-system"}}}),
        Refused(("namespace",)),
    ),
    Hostile(
        "another key of a Secret as API keys",
        _over(search={"auth": {"secretRef": {"name": "database", "key": "password"}}}),
        Refused(("clockifyrag-api-keys",)),
    ),
    Hostile(
        "another key of a Secret as authorization",
        _source(http={"url": "https://help.example.com/a.jsonl", "secretRef": {"name": "database", "key": "password"}}),
        Refused(("clockifyrag-authorization",)),
    ),
    Hostile(
        "a Secret by a path",
        _over(search={"auth": {"secretRef": {"name": "../../kube-system/keys"}}}),
        Refused(("secretRef.name",)),
    ),
    Hostile(
        "a ConfigMap of another namespace",
        _source(configMapRef={"name": "kube-system/kubeadm-config"}),
        Refused(("configMapRef.name",)),
    ),
    Hostile(
        "a volume of another namespace",
        _source(pvcRef={"name": "data", "namespace": "finance", "path": "docs"}),
        Refused(("namespace",)),
    ),
)
PATHS = (
    Hostile("a path out of its volume", _source(pvcRef={"name": "docs", "path": "../../etc"}), Refused(("..",))),
    Hostile(
        "a path out of its volume, further in", _source(pvcRef={"name": "docs", "path": "a/../../b"}), Refused(("..",))
    ),
    Hostile("a path with a null byte", _source(pvcRef={"name": "docs", "path": "a\0b"}), Refused(("path",))),
    Hostile("a key with a path", _source(configMapRef={"name": "docs", "keys": ["../token"]}), Refused(("keys",))),
    Hostile("a file of the pod as its URL", _source(http={"url": "file:///etc/passwd"}), Refused(("url",))),
    Hostile(
        "a password in its URL", _source(http={"url": "https://user:secret@help.example.com/a.md"}), Refused(("url",))
    ),
    Hostile(
        "an option of the builder as its URL",
        _source(http={"url": "--out=/etc"}),
        Refused(("url",)),
    ),
    Hostile(
        "a namespace of documents that is a path",
        {"source": {"sample": {}, "namespace": "../a"}},
        Refused(("namespace",)),
    ),
)
SIZES = (
    Hostile(
        "a specification of a megabyte",
        _over(search={"pod": {"annotations": {f"example.com/a{n}": "x" * 4096 for n in range(300)}}}),
        Refused(("annotations",)),
    ),
    Hostile(
        "an annotation of a megabyte",
        _over(),
        Refused(("annotations",)),
        metadata={"annotations": {"example.com/a": "x" * 2**20}},
    ),
    Hostile("a thousand pods", _over(search={"replicas": 1000}), Refused(("replicas",))),
    Hostile(
        "impossible memory, in no unit",
        _over(search={"resources": {"limits": {"memory": "lots"}}}),
        Refused(("memory",)),
    ),
    Hostile(
        "a request above its limit",
        _over(search={"resources": {"requests": {"memory": "8Gi"}, "limits": {"memory": "1Gi"}}}),
        Refused(("limit",)),
    ),
    Hostile("a volume that shrinks to nothing", _over(index={"storage": {"size": "0"}}), Refused(("size",))),
    Hostile("a schedule of every second", _over(build={"schedule": {"cron": "* * * * * *"}}), Refused(("cron",))),
    Hostile("a name in other letters", _over(), Refused(("name",)), name="hëlp"),
    Hostile("a name that is too long for its children", _over(), Refused(("40",)), name="a" * 41),
    Hostile(
        "a chunk longer than its model reads",
        _over(chunking={"maxChars": 400_000}),
        Refused(("maxChars",)),
    ),
    Hostile(
        "a volume of one pod alone",
        _over(index={"storage": {"accessMode": "ReadWriteOncePod"}}),
        Refused(("ReadWriteOnce",)),
    ),
)
TOLD = (
    Hostile(
        "an image that the installation does not allow",
        _over(search={"image": "evil.example.com/miner:1"}),
        Told("Ready", "False", "SpecInvalid", ("spec.search.image", "evil.example.com/miner:1")),
    ),
    Hostile(
        "a private address that the installation does not allow",
        _source(http={"url": "http://169.254.169.254/latest/meta-data", "allowHosts": ["169.254.169.254"]}),
        Told("Ready", "False", "SpecInvalid", ("spec.source.http.allowHosts", "169.254.169.254")),
    ),
    Hostile(
        "a ConfigMap that is not there",
        {"source": {"configMapRef": {"name": "nowhere"}}, "embedding": {"provider": "Local"}},
        Told("IndexBuilt", "False", "SourceUnreachable", ("nowhere",), ALL_BUT_ITS_BUILD),
    ),
)

HOSTILE = (*PRIVILEGED, *OTHERS_SECRETS, *PATHS, *SIZES, *TOLD)
