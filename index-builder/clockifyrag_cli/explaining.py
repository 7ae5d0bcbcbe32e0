"""`clockifyrag explain "…" ID`: why an article or passage stands where it does for a question, or is missing."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer

from clockifyrag_cli.searching import DEFAULT_URL, FusionOption, require_one_place
from clockifyrag_index.errors import UsageError


def explain(
    query: Annotated[str, typer.Argument(help="The question.")],
    wanted: Annotated[str, typer.Argument(metavar="ID", help="Of an article or of a chunk.")],
    url: Annotated[str | None, typer.Option(help=f"A running server; {DEFAULT_URL} unless --index is given.")] = None,
    index: Annotated[Path | None, typer.Option(help="An index root, asked without a server.")] = None,
    k: Annotated[int, typer.Option("-k", min=1, max=50, help="Results.")] = 5,
    fusion: FusionOption = None,
    key: Annotated[str | None, typer.Option(envvar="CLOCKIFYRAG_API_KEY", help="API key with scope admin.")] = None,
) -> None:
    """Print ranks, scores and terms of an article for a question, and the rule that keeps it away, as JSON."""
    require_one_place(url, index, fusion)
    told = (
        _of_index(index, query, wanted, k, fusion or "convex")
        if index
        else _of_server(url or DEFAULT_URL, query, wanted, k, key)
    )
    print(json.dumps(told, ensure_ascii=False, indent=2))


def _of_server(url: str, query: str, wanted: str, k: int, key: str | None) -> dict[str, Any]:
    from clockifyrag_cli.server import ask

    return ask(url, "/explain", {"q": query, "id": wanted, "k": k}, key)


def _of_index(root: Path, query: str, wanted: str, k: int, fusion: str) -> dict[str, Any]:
    """The engine's own numbers. UsageError names the nearest id to an unknown one."""
    from clockifyrag_cli.opened import fusion_of, opened_engine
    from clockifyrag_index.errors import UnknownItem
    from clockifyrag_index.explain import explain as explained
    from clockifyrag_index.search import SearchRequest

    with opened_engine(root, fusion_of(fusion)) as engine:
        try:
            found = explained(engine, SearchRequest(query, k=k), wanted)
        except UnknownItem as error:
            raise UsageError(str(error)) from error
        chunk = engine.generation.chunks[found.row]
    return {"id": chunk.document_id, "chunk_id": chunk.chunk_id, **asdict(found)}
