"""spec.search: the pods that answer, how many, and how they are reached."""

from collections.abc import Iterator
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from clockifyrag_resource.cel import Cel
from clockifyrag_resource.containers import Resources
from clockifyrag_resource.part import NEITHER, RESTARTS, Broken, Expected, Maybe, Part
from clockifyrag_resource.pod import Pod
from clockifyrag_resource.references import ApiKeysRef, TlsRef
from clockifyrag_resource.search_config import SearchConfig
from clockifyrag_resource.texts import Annotations, Image, ObjectName


class ScalingPolicy(Part):
    """One bound on how fast pods come or go."""

    type: Literal["Pods", "Percent"] = Field(description="What value counts.", json_schema_extra=NEITHER)
    value: int = Field(ge=1, le=1000, description="Pods or percent in one period.", json_schema_extra=NEITHER)
    period_seconds: int = Field(
        ge=1, le=1800, description="Length of the period, in seconds.", json_schema_extra=NEITHER
    )


class ScalingRules(Part):
    """How pods are added, or taken away."""

    stabilization_window_seconds: Maybe[Annotated[int, Field(ge=0, le=3600)]] = Field(
        default=None,
        description="Seconds of the past that are looked at. Unset: Kubernetes' default.",
        json_schema_extra=NEITHER,
    )
    select_policy: Maybe[Literal["Max", "Min", "Disabled"]] = Field(
        default=None, description="Which of the policies decides. Unset: Max.", json_schema_extra=NEITHER
    )
    policies: Annotated[tuple[ScalingPolicy, ...], Field(max_length=8)] = Field(
        default=(), description="Bounds. Default: Kubernetes' own."
    )


class ScalingBehavior(Part):
    """How fast the number of pods follows the load."""

    scale_up: Maybe[ScalingRules] = Field(default=None, description="Adding pods. Unset: Kubernetes' default.")
    scale_down: Maybe[ScalingRules] = Field(default=None, description="Removing pods. Unset: Kubernetes' default.")


class Autoscaling(Part):
    """How many pods, by their load."""

    min_replicas: int = Field(default=2, ge=1, le=100, description="Fewest pods.", json_schema_extra=NEITHER)
    max_replicas: int = Field(default=10, ge=1, le=100, description="Most pods.", json_schema_extra=NEITHER)
    target_cpu_percent: int = Field(
        default=70,
        ge=1,
        le=200,
        description="CPU in percent of the request that pods are kept near.",
        json_schema_extra=NEITHER,
    )
    behavior: Maybe[ScalingBehavior] = Field(
        default=None, description="How fast the number of pods follows. Unset: Kubernetes' default."
    )

    api_rules: ClassVar[tuple[Cel, ...]] = (
        Cel(
            "self.minReplicas <= self.maxReplicas",
            "fewest pods of at most maxReplicas",
            found="a minReplicas above maxReplicas",
            path=".minReplicas",
        ),
    )

    def broken_rules(self) -> Iterator[Broken]:
        if self.min_replicas > self.max_replicas:
            yield Broken(("minReplicas",), str(self.min_replicas), f"at most maxReplicas, {self.max_replicas}")


class Service(Part):
    """The Service in front of the pods."""

    type: Literal["ClusterIP", "NodePort", "LoadBalancer"] = Field(
        default="ClusterIP", description="How far it reaches.", json_schema_extra=NEITHER
    )
    port: int = Field(default=80, ge=1, le=65535, description="Its port.", json_schema_extra=NEITHER)


class Ingress(Part):
    """The way in from outside of the cluster."""

    host: ObjectName = Field(description="Host name clients use.", json_schema_extra=NEITHER)
    class_name: Maybe[ObjectName] = Field(
        default=None, description="Ingress class. Unset: the cluster's.", json_schema_extra=NEITHER
    )
    path: Annotated[
        str, Field(max_length=512, pattern=r"^/[^\s\x00-\x1f]*$"), Expected('a path beginning with "/"')
    ] = Field(
        default="/",
        description="Path prefix clients use. Pods answer at / alone: any other one the ingress has to take off, which "
        "annotations ask for.",
        json_schema_extra=NEITHER,
    )
    annotations: Annotations = Field(
        default={}, description="Annotations of the Ingress. Default: none.", json_schema_extra=NEITHER
    )
    tls_secret_name: Maybe[ObjectName] = Field(
        default=None,
        description="Secret with the certificate for the host. Unset: no TLS at the ingress.",
        json_schema_extra=NEITHER,
    )


class Search(Part):
    """The pods that answer."""

    api_rules: ClassVar[tuple[Cel, ...]] = (
        Cel(
            "!has(self.autoscaling) || !has(oldSelf.autoscaling) || self.replicas == oldSelf.replicas",
            "the number as it was: autoscaling decides how many pods there are; remove it first",
            found="another number",
            path=".replicas",
            refused_for="FieldValueForbidden",
        ),
    )

    replicas: int = Field(
        default=2, ge=0, le=100, description="Pods, while autoscaling is absent.", json_schema_extra=NEITHER
    )
    autoscaling: Maybe[Autoscaling] = Field(
        default=None, description="How many pods, by their load. Unset: replicas decides."
    )
    index_update: Literal["Rolling", "HotSwap"] = Field(
        default="Rolling",
        description="Rolling: pods are replaced, each keeps one generation; HotSwap: pods change over in place.",
        json_schema_extra=RESTARTS,
    )
    config: SearchConfig = Field(default=SearchConfig(), description="How questions are answered.")
    image: Maybe[Image] = Field(
        default=None, description="Image. Unset: the one the operator came with.", json_schema_extra=RESTARTS
    )
    resources: Resources = Field(
        default=Resources(),
        description="CPU and memory of each pod. Default: the operator's.",
        json_schema_extra=RESTARTS,
    )
    service: Service = Field(default=Service(), description="The Service in front of the pods.")
    ingress: Maybe[Ingress] = Field(default=None, description="The way in from outside. Unset: none.")
    pod: Maybe[Pod] = Field(
        default=None, description="Additions to the search pods. Unset: none.", json_schema_extra=RESTARTS
    )
    auth: Maybe[ApiKeysRef] = Field(
        default=None, description="API keys clients must show. Unset: open to everyone, said in condition Secured."
    )
    tls: Maybe[TlsRef] = Field(default=None, description="Certificate of the pods. Unset: plain HTTP.")
