"""Every name, label, annotation and port of what the operator makes, written once."""

from clockifyrag_resource.resource import API_VERSION, KIND

GROUP, VERSION = API_VERSION.split("/")
PLURAL = "clockifyrags"
MANAGER = "clockifyrag"  # field manager of all that is applied
REPLICAS_MANAGER = "clockifyrag-replicas"  # of spec.replicas alone, while no autoscaler owns it

# Labels and annotations.
RESOURCE = f"{GROUP}/resource"  # with COMPONENT: what selectors go by
COMPONENT = f"{GROUP}/component"
GENERATION = f"{GROUP}/generation"  # of the pods that serve it, and of their ReplicaSet
MANAGED_BY = "app.kubernetes.io/managed-by"
MANAGED_BY_US = "clockifyrag-operator"
SELECTOR = f"{MANAGED_BY}={MANAGED_BY_US}"  # what the operator lists and watches
APPLIED = f"{GROUP}/applied"  # digest of the object as it was last applied
TEMPLATE = f"{GROUP}/template"  # version of the templates a workload was rendered from
INPUTS = f"{GROUP}/inputs"  # digest of all of the spec that decides a workload's pods
JOB_INPUTS_FORM = "2-"  # what the digest of a Job begins with: raised whenever equal resources begin to give others
SETTINGS_DIGEST = f"{GROUP}/settings"
GLOSSARY_DIGEST = f"{GROUP}/glossary"
ORDER = f"{GROUP}/order"  # annotation of a Job: the BuildOrder it carries out, as JSON
WANTED = f"{GROUP}/wanted-generation"  # annotation of a pod, touched so that its kubelet refreshes volumes at once
REINDEX = f"{GROUP}/reindex"  # annotation of the resource: each token builds once

# Components.
SEARCH, BUILD, EMBED, OLLAMA, STORE, INDEX = "search", "build", "embed", "ollama", "store", "index"
COMPONENTS = (SEARCH, BUILD, EMBED, OLLAMA, STORE, INDEX)

# Ports.
API_PORT = 8000  # questions
OPS_PORT = 9090  # /live /ready /metrics /status of search pods, /status of builds
STORE_PORT = 8001
OLLAMA_PORT = 11434
PULL_PORT = 11435  # the Ollama that pulls models, beside the one that serves; reached inside of the pod only

# Files and folders inside of pods.
INDEX_ROOT = "/index"
SOURCE_ROOT = "/source"
MODELS_ROOT = "/models"
SECRETS_ROOT = "/secrets"
GENERATION_FILE = "/generation/current"
GLOSSARY_FILE = "/glossary/glossary.csv"
OUTCOME_FILE = "/dev/termination-log"

# Keys of Secrets and ConfigMaps that are read; a Secret is usable through these alone.
AUTHORIZATION_KEY = "clockifyrag-authorization"
API_KEYS_KEY = "clockifyrag-api-keys"
CURRENT_KEY = "current"
LEDGER_KEY = "ledger.json"
INTERNAL_KEY = "key"  # of the Secret made once


def index_volume(name: str) -> str:
    """The PersistentVolumeClaim generations are kept on."""
    return f"{name}-index"


def ollama(name: str) -> str:
    """StatefulSet and headless Service of the model server."""
    return f"{name}-ollama"


def store(name: str) -> str:
    """StatefulSet and Service that hand generations to search pods where these cannot mount the volume."""
    return f"{name}-store"


def search(name: str) -> str:
    """Deployment, Service, HorizontalPodAutoscaler and the rest of what answers."""
    return f"{name}-search"


def siblings(name: str) -> str:
    """Service by which search pods find each other."""
    return f"{name}-siblings"


def generations(name: str) -> str:
    """ConfigMap of the pointer and the ledger."""
    return f"{name}-generations"


def internal(name: str) -> str:
    """Secret made once, of random bytes."""
    return f"{name}-internal"


def job(name: str, kind: str, hash8: str) -> str:
    """A Job; `kind` is BUILD or EMBED.

    >>> job("help", "build", "0123abcd")
    'help-build-0123abcd'
    """
    return f"{name}-{kind}-{hash8}"


def labels(name: str, component: str) -> dict[str, str]:
    """The labels every child carries; selectors use the last two alone."""
    return {
        "app.kubernetes.io/name": "clockifyrag",
        "app.kubernetes.io/instance": name,
        "app.kubernetes.io/component": component,
        "app.kubernetes.io/part-of": "clockifyrag",
        MANAGED_BY: MANAGED_BY_US,
        **selector(name, component),
    }


def selector(name: str, component: str) -> dict[str, str]:
    """What tells the pods of one component of one resource from all others."""
    return {RESOURCE: name, COMPONENT: component}


def owner_reference(name: str, uid: str) -> dict[str, object]:
    """The controller's reference that makes a child go with its resource, without blocking its deletion."""
    return {
        "apiVersion": API_VERSION,
        "kind": KIND,
        "name": name,
        "uid": uid,
        "controller": True,
        "blockOwnerDeletion": False,
    }
