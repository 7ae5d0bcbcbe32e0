"""Tokens: opening a tokenizer, and counting what a model behind a server will see."""

import re
from pathlib import Path

from tokenizers import Tokenizer

from ..errors import EmbedderError

_LONG_WORDS = re.compile(r"[^\W_]{101,}")  # one unknown token to BERT, many tokens to Ollama


def open_tokenizer(path: Path) -> Tokenizer:
    """The tokenizer of a tokenizer.json, set to neither cut nor fill up; words like [SEP] in a text are text.

    EmbedderError when the file cannot be read.
    """
    try:
        tokenizer: Tokenizer = Tokenizer.from_file(str(path))
    except Exception as error:  # the library raises plain Exception, whatever the reason
        raise EmbedderError(f"{path} cannot be read as a tokenizer ({error}); reinstall the package") from error
    tokenizer.no_truncation()
    tokenizer.no_padding()
    tokenizer.encode_special_tokens = True
    return tokenizer


def wordpiece_bound(tokenizer: Tokenizer, words: str) -> int:
    """Tokens of `bert_words(text)` at most, special tokens included, as Ollama counts: exact but for long words."""
    return len(tokenizer.encode(words).ids) + sum(len(word) for word in _LONG_WORDS.findall(words))


def byte_bound(text: str) -> int:
    """Tokens of `text` at most under any vocabulary: one for each byte, and two special ones."""
    return len(text.encode("utf-8", "surrogatepass")) + 2
