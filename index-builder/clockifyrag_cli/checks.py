"""The checks of `clockifyrag doctor`, in the order a person would look."""

import shutil
import statistics
from collections.abc import Iterator
from pathlib import Path

from clockifyrag_cli.doctor import Finding
from clockifyrag_cli.memory import available_memory_bytes
from clockifyrag_cli.opened import opened_engine
from clockifyrag_cli.server import NoAddress, ServerError, Shape, ask
from clockifyrag_index.disk import storage_errors
from clockifyrag_index.errors import ClockifyRAGError, EmbedderError, GenerationMissing, StorageError
from clockifyrag_index.generations import current_generation_path
from clockifyrag_index.manifest import Manifest
from clockifyrag_index.search import SearchEngine, SearchRequest
from clockifyrag_index.verify import verified_manifest

SLOW_MILLISECONDS = 250.0
DISK_BYTES_MIN = 512 * 2**20
MODEL_BYTES = 256 * 2**20  # Python, the local model and working memory of one server
START_OLLAMA = "ollama serve"
TAGS: Shape = {"models": [{"name": str}]}
HEALTH: Shape = {"status": str, "degraded": list | None}  # None: to who sends no key
QUESTIONS = ("how do I start", "what is a report", "export", "settings of the workspace", "who can approve")


def findings(root: Path, url: str | None, ollama_url: str | None) -> list[Finding]:
    """Everything that was looked at; later checks are left out where an earlier problem makes them pointless."""
    found = [*_disk(root), *_ollama(ollama_url)]
    manifest = _manifest(root, found)
    if manifest:
        found.append(memory_finding(MODEL_BYTES + manifest.size_bytes, available_memory_bytes()))
        found += _search(root, ollama_url)
    return [*found, *_server(url)]


def _disk(root: Path) -> Iterator[Finding]:
    try:
        with storage_errors(root):
            folder = next(path for path in (root, *root.resolve().parents) if path.exists())
            free = shutil.disk_usage(folder).free
    except StorageError as error:
        yield Finding("disk", "problem", str(error))
        return
    if free < DISK_BYTES_MIN:
        yield Finding("disk", "problem", f"{free >> 20} MiB free at {folder}", f"clockifyrag index gc --root {root}")
    else:
        yield Finding("disk", "ok", f"{free >> 20} MiB free at {folder}")


def _ollama(url: str | None) -> Iterator[Finding]:
    if not url:
        yield Finding("ollama", "ok", "LLM_BASE_URL is not set; models that run in the process need none")
        return
    try:
        models = ask(url, "/api/tags", {}, kind="an Ollama", start=START_OLLAMA, shape=TAGS)["models"]
    except ServerError as error:
        yield Finding("ollama", "problem", str(error), "" if isinstance(error, NoAddress) else START_OLLAMA)
        return
    names = ", ".join(model["name"] for model in models)
    if names:
        yield Finding("ollama", "ok", f"{url} has {names}")
    else:
        yield Finding("ollama", "problem", f"{url} has no model", "ollama pull nomic-embed-text")


def _manifest(root: Path, found: list[Finding]) -> Manifest | None:
    """The published generation's manifest; what is wrong with it goes to `found`."""
    build = "clockifyrag index build --source {source} --out " + str(root)
    try:
        manifest = verified_manifest(current_generation_path(root))
    except GenerationMissing as error:
        found.append(Finding("index", "problem", str(error), build.format(source="sample")))
        return None
    except StorageError as error:
        mend = f"clockifyrag index rollback --root {root}, or {build.format(source='…')} with the same source as before"
        found.append(Finding("index", "problem", str(error), mend))
        return None
    counts = manifest.counts
    found.append(
        Finding("index", "ok", f"{manifest.id}: {counts.documents} articles, {counts.chunks} chunks, verified")
    )
    return manifest


def memory_finding(needed: int, available: int) -> Finding:
    """Whether a server that needs so many bytes fits into those available."""
    message = f"a server needs about {needed >> 20} MiB, {available >> 20} MiB are free"
    if available < needed:
        return Finding("memory", "problem", message, "free some, or embed with a smaller model: --model wordllama")
    return Finding("memory", "ok", message)


def speed_finding(milliseconds: float) -> Finding:
    """Whether questions are answered as fast as people expect."""
    if milliseconds <= SLOW_MILLISECONDS:
        return Finding("search", "ok", f"{milliseconds:.0f} ms a question")
    more = "give it more CPU (one core at least), or a smaller model: --model wordllama"
    return Finding("search", "warning", f"{milliseconds:.0f} ms a question, {SLOW_MILLISECONDS:.0f} expected", more)


def _search(root: Path, ollama_url: str | None) -> Iterator[Finding]:
    try:
        with opened_engine(root, ollama_url=ollama_url) as engine:
            milliseconds = _median_milliseconds(engine)
    except EmbedderError as error:
        yield Finding("search", "problem", str(error), "set LLM_BASE_URL to an Ollama with that model, or build anew")
        return
    except ClockifyRAGError as error:
        yield Finding("search", "problem", str(error))
        return
    yield speed_finding(milliseconds)


def _median_milliseconds(engine: SearchEngine) -> float:
    times = [engine.search(SearchRequest(query)).timings_ms["total"] for query in QUESTIONS]
    return statistics.median(times)


def _server(url: str | None) -> Iterator[Finding]:
    if not url:
        return
    try:
        health = ask(url, "/health", {}, shape=HEALTH, accepted={503})  # as long as no index is loaded
    except ServerError as error:
        yield Finding("server", "problem", str(error), "" if isinstance(error, NoAddress) else "make run")
        return
    if health["status"] == "unavailable":
        why = f"curl {url.rstrip('/')}/ready"
        yield Finding("server", "problem", "unavailable: it has no index that it can serve, and /ready says why", why)
        return
    degraded = ", ".join(map(str, health.get("degraded") or ())) or "nothing degraded"
    yield Finding("server", "ok" if health["status"] == "healthy" else "warning", f"{health['status']}, {degraded}")
