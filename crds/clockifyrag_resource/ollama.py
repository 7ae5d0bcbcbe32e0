"""spec.ollama: an existing Ollama by its address, or the one the operator runs."""

from collections.abc import Iterator
from typing import Annotated, ClassVar

from pydantic import Field

from clockifyrag_resource.cel import Cel
from clockifyrag_resource.containers import ContainerResource, Resources, Storage
from clockifyrag_resource.part import NEITHER, RESTARTS, Broken, Expected, Maybe, Part
from clockifyrag_resource.pod import Pod
from clockifyrag_resource.texts import PORT_PATTERN, HttpAddress, Image


class ModelStorage(Storage):
    """The volume models are kept on, one a replica."""


class Gpu(Part):
    """Graphics processors of one replica."""

    count: int = Field(
        default=0, ge=0, le=16, description="Processors a replica; 0: none is asked for.", json_schema_extra=RESTARTS
    )
    resource_name: ContainerResource = Field(
        default="nvidia.com/gpu", description="How the cluster names them.", json_schema_extra=RESTARTS
    )


class OllamaServer(Part):
    """The Ollama the operator runs."""

    image: Maybe[Image] = Field(
        default=None, description="Image. Unset: the one the operator came with.", json_schema_extra=RESTARTS
    )
    replicas: int = Field(
        default=1,
        ge=1,
        le=32,
        description="Servers; building gets faster with their number.",
        json_schema_extra=NEITHER,
    )
    storage: ModelStorage = Field(default=ModelStorage(), description="The volume of each server.")
    resources: Resources = Field(
        default=Resources(),
        description="CPU and memory of each server. Default: the operator's.",
        json_schema_extra=RESTARTS,
    )
    gpu: Gpu = Field(default=Gpu(), description="Graphics processors of each server.")
    registry: Maybe[
        Annotated[
            str,
            Field(
                max_length=512,
                pattern=r"^(https?://)?[A-Za-z0-9]([-._A-Za-z0-9]*[A-Za-z0-9])?"
                rf"(:{PORT_PATTERN})?(/[-._A-Za-z0-9]+)?/?$",
            ),
            Expected("the address of a model registry such as models.example.com/team"),
        ]
    ] = Field(
        default=None,
        description="Registry models are pulled from. Unset: Ollama's library.",
        json_schema_extra=RESTARTS,
    )
    pod: Maybe[Pod] = Field(
        default=None, description="Additions to the servers' pods. Unset: none.", json_schema_extra=RESTARTS
    )


def _size(ollama: str) -> str:
    """The expression for the size of the volume that these settings make."""
    return f"(has({ollama}.server) ? string({ollama}.server.storage.size) : '{ModelStorage().size}')"


def _storage_class(ollama: str) -> str:
    storage = f"{ollama}.server.storage"
    given = f"has({ollama}.server) && has({storage}.storageClassName)"
    return f"({given} ? {storage}.storageClassName : 'that of the cluster')"


_NO_VOLUME = "has(self.url) || has(oldSelf.url)"  # before the change or after it


class Ollama(Part):
    """Either `url` or `server`; neither means a server with defaults."""

    api_rules: ClassVar[tuple[Cel, ...]] = (
        Cel(
            "!has(self.url) || !has(self.server)",
            "url (an existing Ollama) or server (one the operator runs), not both",
            found="url and server",
        ),
        Cel(
            f"{_NO_VOLUME} || quantity({_size('self')}).compareTo(quantity({_size('oldSelf')})) >= 0",
            "at least the size the volumes of models have: they grow and never shrink",
            shown=f"{_size('self')} + ' after ' + {_size('oldSelf')}",
            refused_for="FieldValueForbidden",
        ),
        Cel(
            f"{_NO_VOLUME} || {_storage_class('self')} == {_storage_class('oldSelf')}",
            "the storage class the volumes of models were made with: it never changes",
            shown=_storage_class("self"),
            refused_for="FieldValueForbidden",
        ),
    )

    url: Maybe[HttpAddress] = Field(
        default=None,
        description="Address of an existing Ollama. Unset: the operator runs one.",
        json_schema_extra=RESTARTS,
    )
    server: Maybe[OllamaServer] = Field(
        default=None, description="The Ollama the operator runs. Unset: with defaults, unless url is set."
    )

    def broken_rules(self) -> Iterator[Broken]:
        if self.url is not None and self.server is not None:
            yield Broken((), "url and server", "url (an existing Ollama) or server (one the operator runs), not both")
