"""BERT words: a text cut into words as BERT's own tokenizer cuts it, for servers that would cut it otherwise.

Ollama (0.17, ollama/ollama model/wordpiece.go) takes a word that touches a symbol such as = or `, or that bears an
accent, for unknown, and a punctuation mark beyond ASCII for two unknown tokens: "don’t" then means nothing to it.
Given the words one by one, without accents and with plain marks, it finds the tokens the model was trained on: the
cosine with the model itself rises from as little as .1 to above .99.
"""

import re
import unicodedata

# Models with the vocabulary of bert-base-uncased (model cards), for which this is the right cut.
BERT_VOCABULARY = frozenset({"all-minilm", "nomic-embed-text", "mxbai-embed-large"})

_ODD = re.compile(r"[^\x20-\x7e\n\r\t]|[$+<=>^`|~]")
_PLAIN = str.maketrans(
    {"‘": "'", "’": "'", "‚": ",", "“": '"', "”": '"', "„": '"', "«": '"', "»": '"', "…": "...", "•": "*", "·": "*",
     "‐": "-", "‑": "-", "‒": "-", "–": "-", "—": "-", "―": "-", "‹": "'", "›": ">", "′": "'", "″": '"', "？": "?",
     "！": "!", "，": ",", "、": ",", "。": ".", "：": ":", "；": ";", "（": "(", "）": ")", "「": '"', "」": '"'}
)  # fmt: skip


def bert_words(text: str) -> str:
    """The text itself where every tokenizer agrees; else its words and marks in lower case with a space between them.

    >>> bert_words("Stop the timer."), bert_words("Don’t press “Café=Bar”")
    ('Stop the timer.', 'don \\' t press " cafe = bar "')
    """
    if not _ODD.search(text):
        return text
    plain = unicodedata.normalize("NFD", text.translate(_PLAIN)).lower()
    return " ".join("".join(map(_apart, plain)).split())


def _apart(character: str) -> str:
    """The character, set apart when it is a mark or an ideograph; "" for accents and what cannot be seen.

    As in google-research/bert, tokenization.py: _clean_text, _tokenize_chinese_chars, _run_strip_accents,
    _is_punctuation. Marks beyond ASCII that have no plain form are left out.
    """
    if character.isascii():
        if character.isalnum() or character.isspace():
            return character
        return f" {character} " if character.isprintable() else ""
    category = unicodedata.category(character)
    if category in ("Mn", "Cc", "Cf") or character == "\ufffd":
        return ""
    if category.startswith("P") or category == "Zs":
        return " "
    return f" {character} " if _is_ideograph(ord(character)) else character


def _is_ideograph(code: int) -> bool:
    return (
        0x4E00 <= code <= 0x9FFF
        or 0x3400 <= code <= 0x4DBF
        or 0x20000 <= code <= 0x2CEAF
        or 0xF900 <= code <= 0xFAFF
        or 0x2F800 <= code <= 0x2FA1F
    )
