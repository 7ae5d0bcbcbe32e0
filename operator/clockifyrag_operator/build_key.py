"""Build key: what decides the content of a generation, as far as the operator can know it without reading a source."""

import hashlib
import json
from typing import Any

from clockifyrag_operator import models
from clockifyrag_operator.decision import Reason
from clockifyrag_operator.ledger import BuildKey, Ledger
from clockifyrag_operator.observed import Observed
from clockifyrag_operator.triggers import DIGEST, asked_by
from clockifyrag_resource.resource import Spec

BUILDER_FORMAT = 3  # of generations, as the builder this operator came with writes them


def build_key(spec: Spec, seen: Observed, ledger: Ledger, trigger: str, builder_format: int) -> BuildKey | Reason:
    """The key of what `spec` wants built; a Reason says what has to be known first.

    trigger: stands for the content of a source that only a build can look at; elsewhere it has no influence.
    builder_format: of the generations that the builder in use writes.
    """
    source = source_part(spec, seen, trigger)
    if isinstance(source, Reason):
        return source
    model = model_part(spec, seen, ledger)
    if isinstance(model, Reason):
        return model
    return BuildKey(builder_format, spec_part(spec), source, model)


def spec_part(spec: Spec) -> str:
    """Digest of the fields that change an index: where documents come from, how they are cut, the kind of index."""
    index = spec.index
    record = {
        "source": spec.source.model_dump(
            mode="json", by_alias=True, exclude_defaults=True, exclude={"http": {"sha256"}}
        ),
        "chunking": {"maxChars": spec.resolved_max_chars(), "minChars": spec.chunking.min_chars},
        "index": {"type": index.type, "vectorStorage": index.vector_storage},
    }
    if index.type != "Flat":
        record["index"]["hnsw"] = index.hnsw.model_dump(mode="json", by_alias=True)
    return digest12(record)


def source_part(spec: Spec, seen: Observed, trigger: str) -> str | Reason:
    """Digest of what the source holds; of the trigger where only a build can see that."""
    source = spec.source
    if source.sample is not None:
        return digest12("sample")
    if source.config_map_ref is not None:
        name = source.config_map_ref.name
        content = seen.config_maps.get(name)
        if content is None:
            message = f"spec.source.configMapRef.name: found {name}, which does not exist; expected a ConfigMap"
            return Reason("SourceUnreachable", f"{message} in the namespace of the resource")
        return digest12(content)
    if source.http is not None and source.http.sha256 is not None:
        return digest12(source.http.sha256)
    return asked_by(trigger, DIGEST) or digest12(trigger)


def model_part(spec: Spec, seen: Observed, ledger: Ledger) -> str | Reason:
    """Digest of the embedder: model, overridden profile, and the model's own digest where one can be known."""
    embedding = spec.embedding
    model = embedding.resolved_model()
    record: dict[str, Any] = {"model": model}
    if embedding.profile is not None:
        record["profile"] = embedding.profile.model_dump(mode="json", by_alias=True, exclude_defaults=True)
    if embedding.digest is not None:
        record["digest"] = models.short_digest(embedding.digest)
    elif models.builds_with_managed_ollama(spec):
        found = models.served_digest(seen, model) or models.last_digest(ledger, model)
        if found is None:
            return Reason("EmbedderNotReady", f"waits for the model server to tell the digest of {model}")
        record["digest"] = found
    return digest12(record)


def digest12(record: Any) -> str:
    """12 hex digits of the SHA-256 over the canonical JSON of the record."""
    text = json.dumps(record, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:12]
