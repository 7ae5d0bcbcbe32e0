"""Question: what a person typed, cleaned and classified; the table of query types."""

import re
import unicodedata
from dataclasses import dataclass
from math import ceil
from typing import Literal

QueryType = Literal["how-to", "definition", "factual", "comparison", "general"]

# Candidates a leg fetches, as a multiple of k: a comparison needs passages of several subjects, a definition few.
MULTIPLIERS: dict[QueryType, float] = {"how-to": 4, "definition": 2.5, "factual": 3, "comparison": 5, "general": 3}
CANDIDATES_MAX = 100

# In order: the first rule that matches names the type.
_PATTERNS: tuple[tuple[QueryType, str], ...] = (
    ("comparison", r"\b(vs\.?|versus|compared?|comparison|differences?|differs?|or better|better than)\b"),
    ("comparison", r"^(which|what) (is|are) (better|best|cheaper|faster)\b"),
    ("how-to", r"^(how (do|can|to|should|would|could|does one)|steps to|guide to|tutorial|show me how)\b"),
    ("how-to", r"^((can|could|may) (i|we|you|my team)|is it possible to|i (want|need|would like) to|help me)\b"),
    ("how-to", r"\bhow (do|can|should) (i|we|you)\b"),
    ("factual", r"^what (is|are|does) .*\b(price|cost|limit|maximum|minimum)\b"),
    ("definition", r"^(what( is|'s| are| does)|define|definition of|meaning of|explain)\b"),
    ("factual", r"^(who|when|where|which|what|why|how (many|much|long|often|far|big)|is|are|does|do|will|has|have)\b"),
)
RULES = tuple((kind, re.compile(pattern, re.IGNORECASE)) for kind, pattern in _PATTERNS)

_TRADE_MARKS = str.maketrans(dict.fromkeys("™®℠", " "))  # the compatibility form of ™ is TM, which joins the name
_PLAIN_QUOTES = str.maketrans("“”„«»", '"' * 5)  # what typing aids and other languages put around a phrase


@dataclass(frozen=True, slots=True)
class Question:
    """A cleaned question; `text` is what is embedded and shown as query_processed."""

    text: str
    query_type: QueryType


def cleaned(text: str) -> str:
    """The text in compatibility form without control and format characters and trade marks, quotes plain, white space
    collapsed.

    >>> cleaned("  ＴＲＡＣＫ\\u200b   time\\n")
    'TRACK time'
    """
    compatible = unicodedata.normalize("NFKC", text.translate(_TRADE_MARKS))
    spaced = "".join(" " if character.isspace() else character for character in compatible)
    visible = (
        character for character in spaced if unicodedata.category(character) not in ("Cc", "Cf", "Cs", "Co", "Cn")
    )
    return " ".join("".join(visible).translate(_PLAIN_QUOTES).split())


def query_type(text: str) -> QueryType:
    """The kind of question, which decides how many candidates are fetched.

    >>> query_type("Manual vs timer tracking"), query_type("force timer")
    ('comparison', 'general')
    """
    plain = text.replace("’", "'")
    return next((kind for kind, rule in RULES if rule.search(plain)), "general")


def question(text: str) -> Question:
    """The question of a raw text; its text is empty when nothing visible was typed."""
    clean = cleaned(text)
    return Question(clean, query_type(clean))


def adaptive_k(k: int, kind: QueryType) -> int:
    """Candidates a leg fetches for k results: min(100, max(k, clamp(ceil(k × multiplier), 2k, 8k))).

    >>> adaptive_k(5, "how-to"), adaptive_k(50, "comparison")
    (20, 100)
    """
    wanted = min(max(ceil(k * MULTIPLIERS[kind]), 2 * k), 8 * k)
    return min(CANDIDATES_MAX, max(k, wanted))
