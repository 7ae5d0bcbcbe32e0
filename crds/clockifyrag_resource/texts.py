"""The kinds of text a resource holds: names, addresses, digests; each bounded, each with words for messages."""

import ipaddress
import re
from collections.abc import Mapping
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, JsonValue, WithJsonSchema

from clockifyrag_resource.cel import Cel
from clockifyrag_resource.part import Broken, Expected, broken_rules_error

NAME_MAX, NAME_PATTERN = 40, "^[a-z]([-a-z0-9]*[a-z0-9])?$"
NAME_WORDS = "at most 40 lower-case letters, digits and '-', beginning with a letter and ending with a letter or digit"
ResourceName = Annotated[str, Field(max_length=NAME_MAX, pattern=NAME_PATTERN), Expected(NAME_WORDS)]
# RFC 1123 label and subdomain, as Kubernetes names its objects.
LabelName = Annotated[
    str,
    Field(max_length=63, pattern=r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?$"),
    Expected("a name of at most 63 lower-case letters, digits and '-'"),
]
ObjectName = Annotated[
    str,
    Field(max_length=253, pattern=r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$"),
    Expected("the name of a Kubernetes object: lower-case letters, digits, '-' and '.', at most 253"),
]
DataKey = Annotated[
    str,
    Field(max_length=253, pattern=r"^[-._a-zA-Z0-9]+$"),
    Expected("a key of a ConfigMap: letters, digits, '-', '_' and '.'"),
]
LabelKey = Annotated[
    str,
    Field(
        max_length=317,
        pattern=r"^([a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?/)?[A-Za-z0-9]([-_.A-Za-z0-9]{0,61}[A-Za-z0-9])?$",
    ),
    Expected("a label key such as app or example.com/team"),
]
LabelValue = Annotated[
    str,
    Field(max_length=63, pattern=r"^([A-Za-z0-9]([-_.A-Za-z0-9]*[A-Za-z0-9])?)?$"),
    Expected("a label value: at most 63 letters, digits, '-', '_' and '.', in quotes if it looks like a number"),
]
AnnotationValue = Annotated[str, Field(max_length=4096)]
Labels = Annotated[Mapping[LabelKey, LabelValue], Field(max_length=64)]
Annotations = Annotated[Mapping[LabelKey, AnnotationValue], Field(max_length=64)]

NAMESPACE_MAX, NAMESPACE_PATTERN = 64, r"^[A-Za-z0-9]([-_.A-Za-z0-9]*[A-Za-z0-9])?$"
NAMESPACE_WORDS = "a namespace of documents: at most 64 letters, digits, '-', '_' and '.'"
Namespace = Annotated[str, Field(max_length=NAMESPACE_MAX, pattern=NAMESPACE_PATTERN), Expected(NAMESPACE_WORDS)]
ModelName = Annotated[
    str,
    Field(max_length=128, pattern=r"^[A-Za-z0-9][-._/:A-Za-z0-9]*$"),
    Expected("the name of a model such as nomic-embed-text or all-minilm:latest"),
]
GenerationId = Annotated[
    str, Field(pattern=r"^gen-[0-9a-f]{12}$"), Expected("the id of a generation: gen- and 12 hexadecimal digits")
]
Sha256 = Annotated[
    str, Field(pattern=r"^[0-9a-f]{64}$"), Expected("a SHA-256 digest: 64 lower-case hexadecimal digits")
]
ModelDigest = Annotated[
    str,
    Field(pattern=r"^(sha256:)?[0-9a-f]{64}$"),
    Expected("a model digest as Ollama's /api/tags tells it: 64 lower-case hexadecimal digits"),
]
Image = Annotated[
    str,
    Field(max_length=512, pattern=r"^[a-z0-9][-._/a-zA-Z0-9]*(:[0-9]+/[-._/a-zA-Z0-9]+)?(:[-._A-Za-z0-9]+)?"
          r"(@sha256:[0-9a-f]{64})?$"),
    Expected("an image such as example.com/team/image:tag"),
]  # fmt: skip
# From 1 to 65535, with zeros before it or without.
PORT_PATTERN = "0*([1-9][0-9]{0,3}|[1-5][0-9]{4}|6[0-4][0-9]{3}|65[0-4][0-9]{2}|655[0-2][0-9]|6553[0-5])"
_ADDRESS_WORDS = "an http:// or https:// address without user name and password"


def _address(text: str) -> str:
    """What the pattern cannot tell: whether brackets hold an IPv6 address."""
    try:
        urlsplit(text)
    except ValueError as error:
        raise broken_rules_error(Broken((), f'"{text}" ({error})', _ADDRESS_WORDS)) from error
    return text


HttpAddress = Annotated[
    str,
    Field(
        max_length=2048,
        pattern=r"^https?://(\[[0-9a-fA-F:.]+\]|[A-Za-z0-9]([-._A-Za-z0-9]*[A-Za-z0-9])?)"
        rf"(:{PORT_PATTERN})?([/?#][^\s\x00-\x1f\x7f]*)?$",
    ),
    AfterValidator(_address),
    Expected(_ADDRESS_WORDS),
]
Host = Annotated[
    str,
    Field(max_length=253, pattern=r"^([A-Za-z0-9]([-.A-Za-z0-9]*[A-Za-z0-9])?|[0-9a-fA-F:.]*:[0-9a-fA-F:.]*)$"),
    Expected("a host name or IP address, without scheme, port and path"),
]
Origin = Annotated[
    str,
    Field(max_length=300, pattern=rf"^(\*|https?://(\[[0-9a-fA-F:.]+\]|[-.A-Za-z0-9]+)(:{PORT_PATTERN})?)$"),
    Expected("an origin such as https://help.example.com, without path, or *"),
]
Duration = Annotated[
    str, Field(max_length=8, pattern=r"^[1-9][0-9]*(s|m|h)$"), Expected("a duration such as 30s, 5m or 1h")
]


def is_namespace(text: str) -> bool:
    """Whether the text may be a Namespace, for what is named outside of a resource: in documents, or by an option."""
    return len(text) <= NAMESPACE_MAX and re.fullmatch(NAMESPACE_PATTERN, text) is not None


def _network(text: str) -> str:
    try:
        ipaddress.ip_network(text)
    except ValueError as error:
        words = "an IP address or a network such as 10.0.0.0/8"
        raise broken_rules_error(Broken((), f'"{text}" ({error})', words)) from error
    return text


Network = Annotated[
    str,
    Field(max_length=64),
    AfterValidator(_network),
    Expected("an IP address or a network such as 10.0.0.0/8"),
    Cel(
        "isIP(self) || (isCIDR(self) && cidr(self) == cidr(self).masked())",
        "an IP address or a network such as 10.0.0.0/8, without bits of a host",
        shown="self",
    ),
]


def _path_inside(text: str) -> str:
    if ".." in text.split("/") or "\0" in text:
        raise broken_rules_error(Broken((), f'"{text}"', 'a path inside the volume, without ".."'))
    return text


PathInside = Annotated[
    str,
    Field(min_length=1, max_length=1024),
    AfterValidator(_path_inside),
    Expected("a path inside the volume"),
    Cel(
        r"!self.matches('(^|/)[.][.](/|$)') && self.matches('^[^\\x00]*$')",
        'a path inside the volume, without ".."',
        shown="self",
    ),
]


def _first_null(value: JsonValue, path: tuple[str | int, ...] = ()) -> tuple[str | int, ...] | None:
    """The way to the first null inside, or None when there is none."""
    if value is None:
        return path
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for step, below in inner:
        if (found := _first_null(below, (*path, step))) is not None:
            return found
    return None


def _without_null(value: dict[str, JsonValue]) -> dict[str, JsonValue]:
    if (path := _first_null(value)) is not None:
        raise broken_rules_error(Broken(path, "null", "a value; leave the field out rather than null"))
    return value


# Handed on to Kubernetes as it stands: the API server knows its fields, we do not repeat them.
KubernetesObject = Annotated[
    dict[str, JsonValue],
    Field(max_length=32),
    AfterValidator(_without_null),
    WithJsonSchema(
        {
            "type": "object",
            "maxProperties": 32,
            "x-kubernetes-preserve-unknown-fields": True,
            "expected": "a mapping of the Kubernetes API",
        }
    ),
]
