"""Resources of a container, and a volume for one: what several parts of the spec have in common."""

from collections.abc import Iterator, Mapping
from typing import Annotated, ClassVar

from pydantic import Field

from clockifyrag_resource.cel import Cel
from clockifyrag_resource.part import FIXED, NEITHER, Broken, Expected, Maybe, Part
from clockifyrag_resource.quantities import Quantity, Size
from clockifyrag_resource.texts import ObjectName

ContainerResource = Annotated[
    str,
    Field(max_length=253, pattern=r"^[a-z0-9]([-a-z0-9.]*[a-z0-9])?(/[-._A-Za-z0-9]+)?$"),
    Expected("a container resource such as cpu, memory or nvidia.com/gpu"),
]
_ABOVE = (
    "name in self.limits && quantity(string(self.requests[name])).isGreaterThan(quantity(string(self.limits[name])))"
)
Amounts = Annotated[Mapping[ContainerResource, Quantity], Field(max_length=16)]


class Resources(Part):
    """What a container is promised and what it may not exceed."""

    requests: Amounts = Field(default={}, description="Promised amounts. Unset: what the operator sets for this part.")
    limits: Amounts = Field(default={}, description="Largest amounts. Unset: what the operator sets for this part.")

    api_rules: ClassVar[tuple[Cel, ...]] = (
        Cel(
            f"!has(self.requests) || !has(self.limits) || !self.requests.exists(name, {_ABOVE})",
            "requests that are at most the limits",
            found="a request above its limit",
            path=".requests",
        ),
    )

    def broken_rules(self) -> Iterator[Broken]:
        for name, request in self.requests.items():
            limit = self.limits.get(name)
            if limit is not None and request > limit:
                yield Broken(("requests", name), f'"{request}"', f"at most the limit, {limit}")


class Storage(Part):
    """A volume of a pod."""

    size: Size = Field(
        default=Quantity.parse("10Gi"),
        description="Size of the volume in bytes, as a quantity; it grows and never shrinks. Default: 10Gi.",
        json_schema_extra=NEITHER,
    )
    storage_class_name: Maybe[ObjectName] = Field(
        default=None, description="Storage class. Unset: the cluster's.", json_schema_extra=FIXED
    )
