"""Understanding: what a person typed → what is searched for.

text ─ clean, classify ─ correct ─ take out operators ─ expand ─► question, terms and their weights
"""

from collections.abc import Mapping
from dataclasses import dataclass

from .glossary import Glossary
from .lexical import question_terms
from .operators import Operators, operators
from .question import Question, question
from .typos import Speller

EXPANSION_WEIGHT = 0.4  # of a glossary's term beside 1 for a word that was typed


@dataclass(frozen=True, slots=True)
class Understood:
    """A question as it is searched for."""

    question: Question  # corrected, without its operators
    operators: Operators
    corrected: str | None  # the whole text after correction; None: nothing was corrected
    expansions: tuple[str, ...]  # terms that the glossary adds
    own_terms: Mapping[str, float]  # of what was typed, by weight
    weighted_terms: Mapping[str, float]  # these and the expansions


def understood(text: str, speller: Speller, glossary: Glossary, *, expand: bool) -> Understood:
    """The question of a raw text; expand: its spelling is corrected, and the glossary adds other names of things."""
    asked = question(text)
    corrected = None
    if expand:
        correction = speller.correct(asked.text)
        if correction.changed:
            corrected = correction.text
            asked = Question(correction.text, asked.query_type)
    signs = operators(asked.text)
    asked = Question(signs.text, asked.query_type)
    expansions = glossary.expansions(asked.text) if expand else ()
    own_terms = question_terms([asked.text])
    return Understood(
        question=asked,
        operators=signs,
        corrected=corrected,
        expansions=expansions,
        own_terms=own_terms,
        weighted_terms={**dict.fromkeys(expansions, EXPANSION_WEIGHT), **own_terms},
    )
