"""spec.index: how vectors are stored and searched, where generations live, and when one is good enough."""

from collections.abc import Iterator
from typing import Annotated, ClassVar, Literal

from pydantic import AfterValidator, Field

from clockifyrag_resource.cel import Cel, unchanged
from clockifyrag_resource.containers import Storage
from clockifyrag_resource.part import (
    FIXED,
    NEITHER,
    REBUILDS,
    RESTARTS,
    Broken,
    DecimalText,
    Maybe,
    Part,
    broken_rules_error,
)
from clockifyrag_resource.references import ConfigMapKey
from clockifyrag_resource.texts import GenerationId

Share = Annotated[float, DecimalText(0, 1)]


class Hnsw(Part):
    """Parameters of the HNSW graph (Malkov and Yashunin, arXiv:1603.09320)."""

    m: int = Field(default=32, ge=4, le=128, description="Neighbours a vector keeps.", json_schema_extra=REBUILDS)
    ef_construction: int = Field(
        default=200, ge=8, le=2000, description="Candidates looked at while building.", json_schema_extra=REBUILDS
    )

    api_rules: ClassVar[tuple[Cel, ...]] = (
        Cel(
            "self.efConstruction >= self.m",
            "at least as many candidates as neighbours (m)",
            found="an efConstruction below m",
            path=".efConstruction",
        ),
    )

    def broken_rules(self) -> Iterator[Broken]:
        if self.ef_construction < self.m:
            yield Broken(("efConstruction",), str(self.ef_construction), f"at least m, {self.m}")


_MOUNTABLE = "ReadWriteOnce or ReadWriteMany: a build's pod and the store's pod must mount the volume together"


def _mountable(mode: str) -> str:
    if mode == "ReadWriteOncePod":
        raise broken_rules_error(Broken((), mode, _MOUNTABLE))
    return mode


class IndexStorage(Storage):
    """The volume generations are kept on."""

    api_rules: ClassVar[tuple[Cel, ...]] = (
        Cel(
            "quantity(string(self.size)).compareTo(quantity(string(oldSelf.size))) >= 0",
            "at least the size it has: a volume grows and never shrinks",
            shown="string(self.size) + ' after ' + string(oldSelf.size)",
            path=".size",
            refused_for="FieldValueForbidden",
        ),
        unchanged("storageClassName", "the storage class the volume was made with: it never changes"),
        Cel(
            "self.accessMode == oldSelf.accessMode",
            "the access mode the volume was made with: it never changes",
            shown="self.accessMode + ' after ' + oldSelf.accessMode",
            path=".accessMode",
            refused_for="FieldValueForbidden",
        ),
    )
    access_mode: Annotated[
        Literal["ReadWriteOnce", "ReadWriteMany", "ReadWriteOncePod"],
        AfterValidator(_mountable),
        Cel("self != 'ReadWriteOncePod'", _MOUNTABLE, shown="self"),
    ] = Field(
        default="ReadWriteOnce",
        description="ReadWriteMany: search pods mount the volume; ReadWriteOnce: they fetch from the store's pod; "
        "ReadWriteOncePod is refused, as two pods mount the volume together.",
        json_schema_extra=FIXED,
    )
    on_delete: Literal["Retain", "Delete"] = Field(
        default="Retain",
        description="What happens to the volume when the resource is deleted.",
        json_schema_extra=NEITHER,
    )


class Quality(Part):
    """What a new generation must reach to be published; measured with judged questions."""

    eval_config_map_ref: Maybe[ConfigMapKey] = Field(
        default=None,
        description="ConfigMap with the judged questions. Unset: those shipped with the source, if any.",
        json_schema_extra=NEITHER,
    )
    min_mrr: Maybe[Share] = Field(
        default=None,
        description='Least mean reciprocal rank, "0" to "1". Unset: none.',
        json_schema_extra=NEITHER,
    )
    min_ndcg: Maybe[Share] = Field(
        default=None, description='Least nDCG@10, "0" to "1". Unset: none.', json_schema_extra=NEITHER
    )
    max_drop: Share = Field(
        default=0.02,
        description='How much a measure may fall below the published generation\'s, "0" to "1". Default: "0.02".',
        json_schema_extra=NEITHER,
    )
    on_inconclusive: Literal["Publish", "Reject"] = Field(
        default="Publish",
        description="What happens where nothing was measured, as always in this version: Reject publishes nothing.",
        json_schema_extra=NEITHER,
    )


class Index(Part):
    """The index and its generations."""

    type: Literal["Auto", "Flat", "HNSW"] = Field(
        default="Auto",
        description="Auto: Flat below 50,000 chunks, then HNSW. Flat is exact, HNSW fast.",
        json_schema_extra=REBUILDS,
    )
    vector_storage: Literal["Auto", "Float32", "Float16", "SQ8"] = Field(
        default="Auto", description="How precisely vectors are stored.", json_schema_extra=REBUILDS
    )
    hnsw: Hnsw = Field(default=Hnsw(), description="Parameters of HNSW, where it is used.")
    storage: IndexStorage = Field(default=IndexStorage(), description="The volume generations are kept on.")
    retain: int = Field(default=3, ge=1, le=50, description="Good generations kept.", json_schema_extra=NEITHER)
    quality: Maybe[Quality] = Field(
        default=None,
        description="What a new generation must reach to be published; no build measures yet, so each one is "
        "inconclusive. Unset: nothing.",
    )
    pin: Maybe[GenerationId] = Field(
        default=None,
        description="Serve this generation and build nothing. Unset: the newest good one.",
        json_schema_extra=RESTARTS,
    )
