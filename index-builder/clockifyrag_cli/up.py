"""`clockifyrag up`: a ClockifyRAG resource without a cluster: build if needed, publish, serve, watch the source."""

import sys
import time
from importlib.util import find_spec
from pathlib import Path
from threading import Thread
from typing import TYPE_CHECKING, Annotated

import typer

from clockifyrag_cli.failures import shown
from clockifyrag_cli.here import (
    Adapted,
    adapted,
    build_plan,
    explicit_settings,
    remarks,
    require_embedding_model,
    server_settings,
)
from clockifyrag_index.errors import EmbedderError, SourceError, StorageError, UsageError

if TYPE_CHECKING:
    from clockifyrag_service.settings import Settings

RUN_FOLDER = Path(".run")
READY_POLL_SECONDS = 0.05
READY_ANSWER_SECONDS = 5.0  # that one answer is waited for, until it is asked for again


def up(
    file: Annotated[Path, typer.Option("--file", "-f", help="The resource.")] = Path("clockifyrag.yaml"),
    source: Annotated[
        Path | None, typer.Option(help="A local file or folder in place of the resource's source.")
    ] = None,
    root: Annotated[
        Path | None, typer.Option(help="The index root; unset: INDEX_ROOT, else .run/<name of the resource>.")
    ] = None,
    watch: Annotated[bool, typer.Option(help="Build again when the source changes.")] = False,
    once: Annotated[bool, typer.Option(help="Build and end, without serving.")] = False,
) -> None:
    """Build what the resource asks for, if anything changed, and serve it until Ctrl-C."""
    from clockifyrag_resource.load import load_resource

    _require_server()
    resource, explicit = load_resource(file), explicit_settings()
    here = adapted(resource, explicit.llm_base_url)
    for line in remarks(here):
        print(line, flush=True)
    require_embedding_model(here, explicit)
    named = explicit.index_root if "index_root" in explicit.model_fields_set else None
    index_root = root or named or RUN_FOLDER / resource.metadata.name
    if watch and not once:
        _serve_and_watch(here, file, source, index_root, explicit)
        return
    build_once(here, source, index_root, explicit)
    if not once:
        _serve(server_settings(here, source, index_root, explicit))


def _require_server() -> None:
    """UsageError where the server is left out, as in the image of the builder."""
    if find_spec("clockifyrag_service") is None:
        raise UsageError(
            "the package clockifyrag_service, which `up` serves with, is not installed here; "
            "build with `clockifyrag index build`, and serve with the image clockifyrag-service"
        )


def _serve_and_watch(here: Adapted, file: Path, source: Path | None, root: Path, explicit: "Settings") -> None:
    """Builds, serves, and builds again whenever something changes."""
    from clockifyrag_cli.watching import stamps, watching

    watched, seen = source or file, stamps(source or file)
    has_failed = _fails_over_an_index(here, source, root, explicit)
    arguments = ["--file", str(file), "--root", str(root), *(["--source", str(source)] if source else [])]
    settings = server_settings(here, source, root, explicit)
    with watching(watched, arguments, seen, has_failed):
        _serve(settings)


def _fails_over_an_index(here: Adapted, source: Path | None, root: Path, explicit: "Settings") -> bool:
    """Builds; whether that failed and an index stands, which is served until a later build replaces it.

    The error itself where there is none, or where the resource is wrong, which only a person can mend.
    """
    from clockifyrag_cli.watching import STILL_SERVED
    from clockifyrag_index.generations import current_generation_path
    from clockifyrag_index.manifest_reader import read_manifest

    try:
        build_once(here, source, root, explicit)
    except (SourceError, EmbedderError, StorageError) as error:
        try:
            read_manifest(current_generation_path(root))
        except StorageError:
            raise error from None
        print(f"{shown(error)}\n{STILL_SERVED}", file=sys.stderr, flush=True)
        return True
    return False


def build_once(here: Adapted, source: Path | None, root: Path, explicit: "Settings") -> None:
    """Builds and publishes what the resource asks for, unless it stands already."""
    from clockifyrag_builder.build import build
    from clockifyrag_cli.progress import progress_display
    from clockifyrag_index.layout import Layout
    from clockifyrag_index.retention import gc

    spec = here.resource.spec
    if spec.index.pin:
        print(f"Pinned to {spec.index.pin}: nothing is built", flush=True)
        return
    plan = build_plan(here, source, root, explicit)
    try:
        with progress_display("auto") as progress:
            outcome = build(plan, progress)
    finally:
        plan.embedder.close()
    if outcome.result == "Built":
        assert outcome.generation, "what was built has a name"
        print(outcome.report.text())
        print(f"In full: {Layout(root).report(outcome.generation) / 'report.json'}")
        gc(root, spec.index.retain)
    print(
        f"{'Unchanged' if outcome.result == 'Unchanged' else 'Published'} {outcome.generation}: "
        f"{outcome.documents} articles, {outcome.chunks} chunks, {spec.embedding.resolved_model()}",
        flush=True,
    )


def _serve(settings: "Settings") -> None:
    """Serves until a signal; the address is told once questions are answered there."""
    from clockifyrag_service.process import serve

    hint = f"; log: {settings.log_file}" if settings.log_file else ""
    exit_code = serve(settings, lambda url: Thread(target=tell_when_ready, args=(url, hint), daemon=True).start())
    if exit_code:
        raise typer.Exit(exit_code)


def tell_when_ready(url: str, hint: str = "") -> None:
    """Prints the address, and the hint, once questions are answered there; nothing if the server ends before."""
    import httpx

    # Our own certificate, on this machine: no proxy of the environment is asked for it.
    with httpx.Client(verify=False, trust_env=False, timeout=READY_ANSWER_SECONDS) as client:  # noqa: S501
        while True:
            try:
                if client.get(f"{url}/ready").is_success:
                    break
            except httpx.ConnectError:
                return  # nobody listens any more
            except httpx.TransportError:
                pass  # too late, on a machine that has much else to do, or cut: the next answer tells
            time.sleep(READY_POLL_SECONDS)  # the server tells of readiness over HTTP only
    print(f"Ask your questions at {url}   (Ctrl-C ends{hint})", flush=True)
