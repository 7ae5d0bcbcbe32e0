"""References to objects beside the resource, in its own namespace.

A Secret is usable only through fixed keys, so that nobody who may write a resource can read other keys with it.
"""

from typing import Literal

from pydantic import Field

from clockifyrag_resource.part import RESTARTS, Maybe, Part
from clockifyrag_resource.texts import DataKey, ObjectName


class ConfigMapKey(Part):
    """One entry of a ConfigMap."""

    name: ObjectName = Field(description="Name of the ConfigMap, in the resource's namespace.")
    key: Maybe[DataKey] = Field(default=None, description="Its key. Unset: its only key.")


class SecretName(Part):
    """A Secret by its name; which of its keys is read is fixed."""

    name: ObjectName = Field(description="Name of the Secret, in the resource's namespace.")


class AuthorizationSecret(SecretName):
    """The Secret that holds the value of an Authorization header."""

    key: Maybe[Literal["clockifyrag-authorization"]] = Field(
        default=None, description="The one key that is read. Unset: the same."
    )


class ApiKeysSecret(SecretName):
    """The Secret that lists the API keys a server accepts."""

    key: Maybe[Literal["clockifyrag-api-keys"]] = Field(
        default=None, description="The one key that is read. Unset: the same."
    )


class ApiKeysRef(Part):
    """Where the API keys are."""

    secret_ref: ApiKeysSecret = Field(
        description="Secret with the key clockifyrag-api-keys: a line `id sha256hex scopes [not-after]` per API key.",
        json_schema_extra=RESTARTS,
    )


class TlsRef(Part):
    """Where the certificate is."""

    secret_ref: SecretName = Field(
        description="Secret of type kubernetes.io/tls, with tls.crt and tls.key.", json_schema_extra=RESTARTS
    )
