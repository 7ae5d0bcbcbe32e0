"""Settings: everything the operator can be told, from its environment, checked once at the start.

`settings_document()` is docs/operator.md.
"""

from typing import Annotated, Literal

from pydantic import Field, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

Names = Annotated[tuple[str, ...], NoDecode]  # comma-separated in the environment


class Settings(BaseSettings):
    """One field is one environment variable of the same name in capitals."""

    model_config = SettingsConfigDict(extra="ignore", frozen=True, env_ignore_empty=True)

    watch_namespaces: Names = Field(
        default=(), description="Namespaces whose resources are run, comma-separated; unset: all of the cluster."
    )
    pod_namespace: str = Field(default="default", description="Namespace the operator itself runs in.")
    pod_name: str = Field(default="", description="Name of the operator's pod; unset: the host's name.")
    service_image: str = Field(default="clockifyrag-service:0.1.0", description="Default image of search pods.")
    index_builder_image: str = Field(
        default="clockifyrag-index-builder:0.1.0", description="Default image of build Jobs and of the store."
    )
    ollama_image: str = Field(
        default="docker.io/ollama/ollama:0.35.0", description="Default image of the model server."
    )
    allowed_images: Names = Field(
        default=("*",),
        description="Images a resource may name, comma-separated; * stands for any characters. The defaults may "
        "always be used.",
    )
    allowed_private_hosts: Names = Field(
        default=(),
        description="Hosts with private addresses that a source may name in allowHosts, comma-separated; * stands for "
        "any characters. Unset: none.",
    )
    allow_alerts: bool = Field(default=True, description="Whether PrometheusRules are made where their kind is known.")
    alert_for: str = Field(
        default="10m", pattern=r"^[1-9][0-9]*(s|m|h)$", description="How long a state lasts before its alert fires."
    )
    runbooks: str = Field(
        default="docs/runbooks.md", max_length=500, description="Address put before the anchor of an alert's runbook."
    )

    api_host: str = Field(default="0.0.0.0", description="Address of /livez, /readyz and /metrics.")  # noqa: S104
    api_port: int = Field(default=8080, ge=0, le=65535, description="Port of /livez, /readyz and /metrics.")
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        default="info", description="Least severe lines logged."
    )

    lease_name: str = Field(default="clockifyrag-operator", description="Lease by which one operator is the leader.")
    lease_seconds: float = Field(default=15, gt=0, description="Seconds a lease lasts without being renewed.")
    lease_renew_seconds: float = Field(default=5, gt=0, description="Seconds between two renewals.")
    resync_seconds: float = Field(
        default=300, gt=0, description="Seconds after which each resource is looked at again."
    )
    references_seconds: float = Field(
        default=15, gt=0, description="Seconds between looks at ConfigMaps that a resource names."
    )
    poll_seconds: float = Field(
        default=10,
        gt=0,
        description="Seconds between questions to pods while something is under way, or wrong as only they can tell.",
    )
    health_seconds: float = Field(
        default=60,
        gt=0,
        description="Seconds between questions, at rest, to pods that need a model server, or of resources left alone.",
    )
    discovery_seconds: float = Field(
        default=30, gt=0, description="Seconds between looks at which kinds the API server knows."
    )
    backoff_seconds: float = Field(default=1, gt=0, description="First wait after a pass that failed; it doubles.")
    backoff_seconds_max: float = Field(default=120, gt=0, description="Longest wait after passes that failed.")
    build_backoff_seconds: float = Field(default=30, gt=0, description="First wait after a build that failed.")
    build_backoff_seconds_max: float = Field(default=3600, gt=0, description="Longest wait after builds that failed.")
    rollout_seconds: int = Field(default=600, ge=1, description="Seconds in which a new search pod must get ready.")
    inactivity_seconds: float = Field(
        default=70,
        gt=0,
        description="Seconds of silence after which a watch is opened again; the server speaks each minute.",
    )
    request_seconds: float = Field(default=30, gt=0, description="Longest time one call of the API server may take.")
    pod_request_seconds: float = Field(default=3, gt=0, description="Longest time a pod may take to tell its state.")
    # Against a loop gone wild, not to set the pace: that is the server's own flow control, which is obeyed
    # (kubernetes-sigs/controller-runtime#3119). Two hundred resources at once are 3,600 writes: 72 s at 50, 7 s at 500.
    writes_per_second: float = Field(default=500, gt=0, description="Writes to the API server, at most, on average.")
    workers: int = Field(default=8, ge=1, le=64, description="Resources that are looked at side by side.")

    @field_validator("watch_namespaces", "allowed_images", "allowed_private_hosts", mode="before")
    @classmethod
    def split_at_commas(cls, value: object) -> object:
        return tuple(part.strip() for part in value.split(",") if part.strip()) if isinstance(value, str) else value


def settings_document() -> str:
    """docs/operator.md: every variable with its default and meaning, as a Markdown table."""
    lines = [
        "# Settings of the operator",
        "",
        "Read from the environment, once, at the start. The [chart](install.md) sets images, namespaces, private",
        "hosts, alerts and log level by values of its own, and names and port itself; the others are given in",
        "camelCase under `operator.settings`, such as `resyncSeconds`.",
        "",
        "| variable | default | meaning |",
        "| --- | --- | --- |",
    ]
    for name, field in Settings.model_fields.items():
        lines.append(f"| `{name.upper()}` | {_shown(field.default)} | {field.description} |")
    return "\n".join(lines) + "\n"


def _shown(default: object) -> str:
    """A default as it would be typed."""
    if default in ("", ()):
        return ""
    if isinstance(default, tuple):
        return f"`{','.join(default)}`"
    return f"`{str(default).lower() if isinstance(default, bool) else default}`"


if __name__ == "__main__":
    print(settings_document(), end="")
