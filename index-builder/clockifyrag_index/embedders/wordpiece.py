"""Tokenizers: loading one, and counting the tokens that a model behind a server will see."""

import re
from pathlib import Path

from tokenizers import Tokenizer

from clockifyrag_index.errors import EmbedderError

# Ollama's own BERT tokenizer (0.17) is not the model's: it splits words of more than 100 letters, which the model takes
# for one unknown token, and cuts around characters beyond ASCII and the symbols $ + < = > ^ ` | ~ in another way.
_SYMBOLS = re.compile(r"[^\x00-\x7f]|[$+<=>^`|~]")
_LONG_WORDS = re.compile(r"\w{101,}")


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


def wordpiece_bound(tokenizer: Tokenizer, text: str) -> int:
    """Tokens of `text` at most, special tokens included, as a model server with the same vocabulary counts them.

    Exact for plain English; one more for each character that such a server is known to treat in its own way. It held
    for every chunk of a real help center.
    """
    extra = sum(len(word) for word in _LONG_WORDS.findall(text)) + len(_SYMBOLS.findall(text))
    return len(tokenizer.encode(text).ids) + extra


def byte_bound(text: str) -> int:
    """Tokens of `text` at most under any vocabulary: one for each byte, and two special ones."""
    return len(text.encode("utf-8", "surrogatepass")) + 2
