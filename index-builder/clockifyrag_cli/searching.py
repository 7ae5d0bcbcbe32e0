"""`clockifyrag search "…"`: one question to a server or straight to an index."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from clockifyrag_index.chunk import BREADCRUMB_SEPARATOR
from clockifyrag_index.errors import UsageError

if TYPE_CHECKING:
    from clockifyrag_index.search import ArticleHit

DEFAULT_URL = "http://127.0.0.1:8000"

FusionOption = Annotated[
    str | None, typer.Option(help="convex (the default) or rrf; with --index, as a server has its own FUSION.")
]


def search(
    query: Annotated[str, typer.Argument(help="The question.")],
    url: Annotated[str | None, typer.Option(help=f"A running server; {DEFAULT_URL} unless --index is given.")] = None,
    index: Annotated[Path | None, typer.Option(help="An index root, asked without a server.")] = None,
    k: Annotated[int, typer.Option("-k", min=1, max=50, help="Results.")] = 5,
    namespace: Annotated[str | None, typer.Option(help="Only documents of this namespace.")] = None,
    fusion: FusionOption = None,
    key: Annotated[str | None, typer.Option(envvar="CLOCKIFYRAG_API_KEY", help="API key for --url.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object instead of text.")] = False,
) -> None:
    """Ask one question and print the best articles."""
    require_one_place(url, index, fusion)
    answer = (
        _of_index(index, query, k, namespace, fusion or "convex")
        if index
        else _of_server(url or DEFAULT_URL, query, k, namespace, key)
    )
    print(json.dumps(answer, ensure_ascii=False, indent=2) if as_json else _text(answer))


def require_one_place(url: str | None, index: Path | None, fusion: str | None) -> None:
    """UsageError where a server is given as well as an index, or a server is to fuse otherwise than it is set."""
    if url and index:
        raise UsageError("both --url and --index were given; expected one of them")
    if fusion and not index:
        raise UsageError("a server fuses as it is set, by FUSION; give --index, or leave --fusion out")


def _of_server(url: str, query: str, k: int, namespace: str | None, key: str | None) -> dict[str, Any]:
    from clockifyrag_cli.server import SEARCH_ANSWER, ask

    parameters: dict[str, Any] = {"q": query, "k": k} | ({"namespace": namespace} if namespace else {})
    return ask(url, "/search", parameters, key, shape=SEARCH_ANSWER)


def _of_index(root: Path, query: str, k: int, namespace: str | None, fusion: str) -> dict[str, Any]:
    """The same shape as the server's answer, as far as it does not need one."""
    from clockifyrag_cli.opened import fusion_of, opened_engine
    from clockifyrag_index.search import SearchRequest

    with opened_engine(root, fusion_of(fusion)) as engine:
        result = engine.search(SearchRequest(query, k=k, namespace=namespace))
    return {
        "query": query,
        "results": [_article(hit) for hit in result.hits],
        "metadata": {
            "total_results": len(result.hits),
            "query_type": result.query_type,
            "corrected_query": result.corrected_query,
            "low_confidence": result.low_confidence,
            "degraded": list(result.degraded),
            "latency_ms": round(result.timings_ms["total"], 1),
        },
    }


def _article(hit: "ArticleHit") -> dict[str, Any]:
    """One result, shown by its best passage."""
    chunk = hit.sections[0].chunk
    return {
        "id": chunk.document_id,
        "chunk_id": chunk.chunk_id,
        "title": chunk.title,
        "section": BREADCRUMB_SEPARATOR.join(chunk.headings),
        "url": chunk.url,
        "content": chunk.content,
        "relevance_score": round(hit.relevance_score, 4),
        "source": hit.source,
        "rank": hit.rank,
    }


def _text(answer: dict[str, Any]) -> str:
    """The answer for a person: a few lines an article."""
    metadata = answer["metadata"]
    lines = [f"Showing results for: {metadata['corrected_query']}"] if metadata["corrected_query"] else []
    for result in answer["results"]:
        heading = BREADCRUMB_SEPARATOR.join(part for part in (result["title"], result["section"]) if part)
        excerpt = " ".join(result["content"].split())
        lines += [
            f"{result['rank']}. {heading}  ({result['relevance_score']:.0%}, {result['source']})",
            f"   {result['url']}",
            f"   {excerpt[:160]}{'…' if len(excerpt) > 160 else ''}",
        ]
    if not answer["results"]:
        lines.append("Nothing was found.")
    elif metadata["low_confidence"]:
        lines.append("These come nearest, but may not answer the question.")
    if metadata["degraded"]:
        lines.append(f"Left out: {', '.join(metadata['degraded'])}")
    return "\n".join(lines)
