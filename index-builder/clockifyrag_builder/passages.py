"""One document → passages: text that fits the embedder, each below its breadcrumb. Nothing is left out.

sections → groups (small neighbours together) → pieces (where a passage may end) → passages
"""

from collections.abc import Callable
from dataclasses import dataclass

from clockifyrag_builder.breadcrumbs import Breadcrumb, breadcrumb_of
from clockifyrag_builder.documents import Block, Document
from clockifyrag_builder.packing import packed
from clockifyrag_builder.section_groups import Group, HeadingPath, groups_of
from clockifyrag_builder.splitting import BETWEEN_BLOCKS, pieces_of
from clockifyrag_index.chunk import BREADCRUMB_SEPARATOR
from clockifyrag_index.errors import UsageError

CountTokens = Callable[[str], int]

MAX_CHARS_LEAST = 100
# No tokenizer makes more tokens of one character: at worst those of the bytes that NFKC makes of it, 18 times 3.
TOKENS_PER_CHAR_MAX = 64
BREADCRUMB_SHARE = 3  # a breadcrumb takes at most a third of the characters and of the tokens


@dataclass(frozen=True, slots=True)
class ChunkLimits:
    """How long a chunk may be: both limits count the model's document prefix and the breadcrumb.

    max_chars: of document prefix, breadcrumb, a line break and content. min_chars: shorter sections join a neighbour.
    context_tokens: the most that `count_tokens(embedded_text)` may be. UsageError when the limits leave no room.
    """

    max_chars: int
    context_tokens: int
    min_chars: int = 200
    document_prefix: str = ""

    def __post_init__(self) -> None:
        room = self.max_chars - len(self.document_prefix)
        if room < MAX_CHARS_LEAST:
            raise UsageError(
                f"chunking.maxChars is {self.max_chars} and the model's document prefix takes "
                f"{len(self.document_prefix)} of them; expected at least {MAX_CHARS_LEAST} characters besides; "
                f"set it to {len(self.document_prefix) + MAX_CHARS_LEAST} or more"
            )
        if not 0 <= self.min_chars <= self.max_chars:
            raise UsageError(
                f"chunking.minChars is {self.min_chars}; expected 0 to maxChars ({self.max_chars}); lower it"
            )


@dataclass(frozen=True, slots=True)
class Passage:
    """What becomes a chunk once its place among the others is known."""

    headings: HeadingPath  # in full; the breadcrumb may show fewer
    breadcrumb: Breadcrumb
    anchor: str
    content: str
    begins: tuple[HeadingPath, ...]  # the sections that begin in this passage
    group: int  # number of the sections it is taken from: passages of one number follow each other


def passages_of(document: Document, limits: ChunkLimits, count_tokens: CountTokens) -> list[Passage]:
    """The document's text in order, as passages within the limits; at least one, without text if there is none.

    Titles and headings that had to be shortened in the breadcrumb stand once in full at the head of the content.
    """
    fitting = _Fitting(document.title.strip() or document.document_id, limits, count_tokens)
    told: set[str] = set()
    passages: list[Passage] = []
    for index, group in enumerate(groups_of(document, limits.min_chars, fitting.together)):
        breadcrumb = fitting.breadcrumb(group.headings)
        contents = _contents(group, breadcrumb, told, fitting)
        told.update(breadcrumb.left_out)
        for number, content in enumerate(contents):
            begins = tuple(section.headings for section in group.sections) if number == 0 else ()
            passages.append(Passage(group.headings, breadcrumb, group.anchor, content, begins, index))
    return passages


def _contents(group: Group, breadcrumb: Breadcrumb, told: set[str], fitting: "_Fitting") -> list[str]:
    """The texts of the group's passages; one empty text when there is nothing but headings."""
    untold = BREADCRUMB_SEPARATOR.join(text for text in breadcrumb.left_out if text not in told)
    room = fitting.room(breadcrumb)
    blocks = [Block("text", untold)] if untold else []
    pieces = [
        piece
        for block in (*blocks, *group.blocks)
        if block.text.strip()
        for piece in pieces_of(block, lambda text: len(text) <= room)
    ]
    return packed(pieces, room, lambda content: fitting.holds(breadcrumb, content)) or [""]


class _Fitting:
    """What fits into one chunk of one document."""

    def __init__(self, title: str, limits: ChunkLimits, count_tokens: CountTokens) -> None:
        self._title = title
        self._limits = limits
        self._count_tokens = count_tokens
        self._max_chars = limits.max_chars - len(limits.document_prefix)
        self._context_may_be_short = limits.max_chars * TOKENS_PER_CHAR_MAX > limits.context_tokens
        self._breadcrumbs: dict[HeadingPath, Breadcrumb] = {}

    def breadcrumb(self, headings: HeadingPath) -> Breadcrumb:
        if headings not in self._breadcrumbs:
            self._breadcrumbs[headings] = breadcrumb_of(self._title, headings, self._leaves_room)
        return self._breadcrumbs[headings]

    def room(self, breadcrumb: Breadcrumb) -> int:
        """Characters left for the content."""
        return self._max_chars - len(breadcrumb.line) - 1

    def holds(self, breadcrumb: Breadcrumb, content: str) -> bool:
        text = f"{breadcrumb.line}\n{content}"
        return len(text) <= self._max_chars and self._fits_context(text)

    def together(self, group: Group) -> bool:
        """Whether the group is one passage; not below a shortened breadcrumb, which needs its room for the rest."""
        breadcrumb = self.breadcrumb(group.headings)
        content = BETWEEN_BLOCKS.join(block.text.strip("\n") for block in group.blocks)
        return not breadcrumb.left_out and self.holds(breadcrumb, content)

    def _leaves_room(self, line: str) -> bool:
        return len(line) * BREADCRUMB_SHARE <= self._max_chars and self._fits_context(line, BREADCRUMB_SHARE)

    def _fits_context(self, text: str, times: int = 1) -> bool:
        """Whether the model can read so many of the text, whose characters fit; counted only where it might not."""
        if not self._context_may_be_short:
            return True
        return self._count_tokens(text) * times <= self._limits.context_tokens
