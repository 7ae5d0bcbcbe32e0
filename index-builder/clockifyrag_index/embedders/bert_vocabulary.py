"""The vocabulary of bert-base-uncased, which all-minilm's package brings: its models' tokens, and English words."""

from functools import lru_cache

from tokenizers import Tokenizer

from ..errors import EmbedderError
from .local import MINILM_DISTRIBUTION, MINILM_PACKAGE, package_folder
from .tokens import open_tokenizer


@lru_cache(maxsize=1)
def bert_tokenizer() -> Tokenizer | None:
    """The tokenizer, opened once (7 MB); None where the package is not installed: an image may come without it."""
    try:
        return open_tokenizer(package_folder(MINILM_PACKAGE, MINILM_DISTRIBUTION) / "model" / "tokenizer.json")
    except EmbedderError:
        return None
