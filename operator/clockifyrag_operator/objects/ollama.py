"""The model server: an Ollama a replica, each with its own volume of models.

pod:  puller (Ollama, reachable inside of the pod alone) ◄─ models (pulls what is missing, compares digests, ends)
      ollama (serves, once all models are there)
"""

from __future__ import annotations

from collections.abc import Sequence

from clockifyrag_operator import names
from clockifyrag_operator.amounts import canonical, resources
from clockifyrag_operator.decision import Decision
from clockifyrag_operator.manifest import digest, given, manifest, spec_of
from clockifyrag_operator.objects.model_server import managed, server_of
from clockifyrag_operator.observed import Manifest, Wanted
from clockifyrag_operator.pod_parts import UPDATE_STRATEGY, Fields, container, match, mount, pod_template, port, probe
from clockifyrag_resource.containers import Resources
from clockifyrag_resource.quantities import Quantity

REQUESTS, LIMITS = {"cpu": "1", "memory": "2Gi"}, {"cpu": "4", "memory": "8Gi"}
PULL_REQUESTS, PULL_LIMITS = {"cpu": "50m", "memory": "128Mi"}, {"cpu": "1", "memory": "1Gi"}


def ollama_service(wanted: Wanted, decision: Decision) -> Manifest | None:
    """The headless Service: its name is every ready replica, with an ordinal before it one of them."""
    if not managed(decision):
        return None
    port_ = {"name": "http", "port": names.OLLAMA_PORT, "targetPort": "ollama", "protocol": "TCP"}
    selector = names.selector(wanted.name, names.OLLAMA)
    return manifest(
        "v1", "Service", wanted, names.ollama(wanted.name), names.OLLAMA,
        spec={"clusterIP": "None", "ports": [port_], "selector": selector},
    )  # fmt: skip


def ollama_stateful_set(wanted: Wanted, decision: Decision) -> Manifest | None:
    """The StatefulSet of the model server; None as long as no model is wanted of it.

    Models can be pulled again, so their volumes go with it; those of replicas taken away wait for their return.
    """
    if not managed(decision):
        return None
    server, name = server_of(wanted), names.ollama(wanted.name)
    return manifest(
        "apps/v1", "StatefulSet", wanted, name, names.OLLAMA,
        spec={
            "replicas": server.replicas,
            "serviceName": name,
            "updateStrategy": UPDATE_STRATEGY,
            "podManagementPolicy": "Parallel",
            "selector": match(wanted, names.OLLAMA),
            "template": pod_template(
                wanted, names.OLLAMA, server.pod, [_serving(wanted, decision)],
                initContainers=[_puller(wanted, decision), _models(wanted, decision)],
            ),
            "volumeClaimTemplates": [_claim(wanted)],
            "persistentVolumeClaimRetentionPolicy": {"whenDeleted": "Delete", "whenScaled": "Retain"},
        },
    )  # fmt: skip


def inputs_digest(wanted: Wanted, decision: Decision) -> str:
    """What changes with everything that is to replace the model server's pods."""
    spec, server = spec_of(wanted), server_of(wanted)
    shown = server.model_dump(
        mode="json", by_alias=True, exclude_defaults=True, exclude={"image", "replicas", "storage"}
    )
    return digest(
        {
            "server": shown,
            "image": _image(wanted, decision),
            "puller": _puller_image(wanted, decision),
            "pull": _pull_args(wanted, decision),
            "pullSecrets": [secret.name for secret in spec.image_pull_secrets],
        }
    )


def _image(wanted: Wanted, decision: Decision) -> str:
    return server_of(wanted).image or decision.images.ollama


def _puller_image(wanted: Wanted, decision: Decision) -> str:
    return spec_of(wanted).build.image or decision.images.index_builder


def _claim(wanted: Wanted) -> Fields:
    storage = server_of(wanted).storage
    return {
        "metadata": {"name": "models", "labels": names.labels(wanted.name, names.OLLAMA)},
        "spec": given(
            accessModes=["ReadWriteOnce"],
            resources={"requests": {"storage": canonical(storage.size)}},
            storageClassName=storage.storage_class_name,
        ),
    }


def _environment(host: str) -> list[Fields]:
    """What an Ollama is told; unused layers stay, so that a pull that was cut off goes on where it ended."""
    values = {"OLLAMA_HOST": host, "OLLAMA_MODELS": names.MODELS_ROOT, "HOME": "/tmp", "OLLAMA_NOPRUNE": "1"}  # noqa: S108
    return [{"name": name, "value": value} for name, value in values.items()]


def _serving(wanted: Wanted, decision: Decision) -> Fields:
    server = server_of(wanted)
    amounts = resources(server.resources, REQUESTS, LIMITS)
    if server.gpu.count:
        amounts["limits"][server.gpu.resource_name] = canonical(Quantity.parse(str(server.gpu.count)))
    return container(
        "ollama",
        _image(wanted, decision),
        resources=amounts,
        mounts=[mount("models", names.MODELS_ROOT)],
        args=["serve"],
        env=[*_environment(f"0.0.0.0:{names.OLLAMA_PORT}"), {"name": "OLLAMA_KEEP_ALIVE", "value": "-1"}],
        ports=[port("ollama", names.OLLAMA_PORT)],
        startupProbe=probe("/api/version", "ollama", period=2, failures=60),
        readinessProbe=probe("/api/version", "ollama", period=5, failures=3),
        livenessProbe=probe("/api/version", "ollama", period=10, failures=6, timeout=5),
    )


def _puller(wanted: Wanted, decision: Decision) -> Fields:
    """An Ollama beside the serving one, so that nobody finds a server whose models are still on their way.

    It listens where no probe reaches it; whoever pulls waits for it.
    """
    return container(
        "puller",
        _image(wanted, decision),
        resources=resources(Resources(), PULL_REQUESTS, PULL_LIMITS),
        mounts=[mount("models", names.MODELS_ROOT)],
        args=["serve"],
        env=_environment(f"127.0.0.1:{names.PULL_PORT}"),
        restartPolicy="Always",
    )


def _models(wanted: Wanted, decision: Decision) -> Fields:
    return container(
        "models",
        _puller_image(wanted, decision),
        resources=resources(Resources(), PULL_REQUESTS, PULL_LIMITS),
        mounts=[],
        args=_pull_args(wanted, decision),
    )


def _pull_args(wanted: Wanted, decision: Decision) -> Sequence[str]:
    """`clockifyrag models pull` for every model wanted; sorted, as another order is no reason to replace pods."""
    embedding, registry = spec_of(wanted).embedding, server_of(wanted).registry
    model = embedding.resolved_model()
    told = embedding.digest is not None and model in decision.models
    return [
        "models",
        "pull",
        f"--url=http://127.0.0.1:{names.PULL_PORT}",
        f"--outcome={names.OUTCOME_FILE}",
        *(f"--model={one}" for one in sorted(set(decision.models))),
        *([f"--digest={model}={embedding.digest}"] if told else []),
        *([f"--registry={registry}"] if registry else []),
    ]
