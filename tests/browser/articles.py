"""The articles that the tests in a browser search: ordinary ones, long ones, foreign scripts, and hostile ones."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from clockifyrag_index.chunk import Chunk
from clockifyrag_index.embedders import Embedder
from clockifyrag_index.generations import publish
from clockifyrag_index.manifest import IndexParameters, canary
from clockifyrag_index.statistics import write_statistics
from clockifyrag_index.writer import GenerationPlan, write_generation

SITE = "https://help.example"
HOSTILE_TITLE = '<img src=x onerror="window.hacked=1">Zebra'
HOSTILE_ADDRESSES = (
    "javascript:window.hacked=2",
    "//evil.example/zebra",
    "data:text/html,<script>window.hacked=3</script>",
    "/\\evil.example/zebra",
)
COMBINING = "Cafe\u0301"  # é as two code points
FAMILY = "\U0001f469\u200d\U0001f469\u200d\U0001f467"  # one character made of five code points

STEPS = """Steps of the timer:

1. Open the tracker.
2. Press start.
  - Pick a project.
  - Pick a tag.
3. Press stop.

Plan | Price
Basic | 3.99
Pro | 7.99"""

FILLER = "Nothing here is about anything in particular. " * 12
LONG = f"{FILLER}\n\nThe quokka stands in the middle of a long passage.\n\n{FILLER}"


@dataclass(frozen=True, slots=True)
class Text:
    """One section of an article; path "" means the document has no address of its own."""

    document: str
    title: str
    heading: str
    content: str
    url: str = ""
    also_at: tuple[str, ...] = ()


TEXTS = (
    Text("start-timer", "Start the timer", "", "The timer records your work while you do it.", f"{SITE}/time/timer"),
    Text("start-timer", "Start the timer", "Step by step", STEPS, f"{SITE}/time/timer#steps"),
    Text("start-timer", "Start the timer", "Stop the timer", "Press stop; the timer ends.", f"{SITE}/time/timer#stop"),
    Text("invoices", "Create an invoice", "Add hours", "Import tracked hours into the invoice."),
    Text("long", "A long passage", "Middle", LONG, f"{SITE}/long", (f"{SITE}/elsewhere/long",)),
    Text("emoji", "Signs and accents", "", f"\U0001f44b\U0001f3fd {FAMILY} {COMBINING} pelican \U0001f525 pelican."),
    Text("rtl", "מדריך לשעון", "", "העמוד הזה מסביר את השעון flamingo."),
    Text(
        "hostile", HOSTILE_TITLE, "<b>Zebra</b> heading", "Zebra <script>window.hacked=4</script> & <i>more</i>.",
        "javascript:window.hacked=5", HOSTILE_ADDRESSES,
    ),
    *(Text(f"report-{n}", f"Report number {n}", "Totals", f"Report {n} adds up the week {n}.") for n in range(12)),
)  # fmt: skip


def chunks(texts: Sequence[Text] = TEXTS) -> Iterator[Chunk]:
    """The texts as rows of an index, in its order."""
    positions: dict[str, int] = {}
    for number, text in enumerate(sorted(texts, key=lambda text: text.document)):
        position = positions[text.document] = positions.get(text.document, -1) + 1
        yield Chunk(
            chunk_id=f"{number:016x}",
            document_id=text.document,
            namespace="default",
            position=position,
            title=text.title,
            headings=(text.heading,) if text.heading else (),
            content=text.content,
            url=text.url or f"/articles/{text.document}#part-{position}",
            category="",
            parent=None,
            previous=None,
            next=None,
            also_at=text.also_at,
        )


def publish_articles(root: Path, embedder: Embedder, texts: Sequence[Text] = TEXTS) -> None:
    """Makes the texts the published generation of `root`."""
    rows = list(chunks(texts))
    questions = ["Where is the timer?", "How do I send an invoice?"]
    plan = GenerationPlan(
        chunks=rows,
        vectors=embedder.embed_documents([row.embedded_text for row in rows]),
        embedder=embedder.identity,
        canaries=tuple(map(canary, questions, embedder.embed_documents(questions))),
        chunking={},
        index=IndexParameters(),
        build_key="browser",
        source_digest="sha256:" + "0" * 64,
        reason="Test",
        builder="test",
    )
    publish(root, write_generation(root, plan, lambda folder: write_statistics(folder, rows)).id)
