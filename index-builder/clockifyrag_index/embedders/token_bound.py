"""TokenBound: how many tokens a text has for a model whose tokenizer runs in a server, without asking it."""

from collections.abc import Sequence

from tokenizers import Tokenizer

from clockifyrag_resource.profiles import ModelProfile

from .bert_vocabulary import bert_tokenizer
from .bert_words import BERT_VOCABULARY
from .checks import too_long
from .tokens import byte_bound, wordpiece_bound


class TokenBound:
    """Counts for one model. Where its vocabulary is not at hand the bound is one token a byte, far above the truth.

    all-minilm brings the tokenizer of bert-base-uncased, whose vocabulary the models of BERT_VOCABULARY share.
    """

    def __init__(self, profile: ModelProfile) -> None:
        self._profile = profile

    def of(self, whole: str) -> int:
        """Tokens of what is sent, prefix included, with special tokens, at most."""
        tokenizer = self._own_tokenizer()
        return byte_bound(whole) if tokenizer is None else wordpiece_bound(tokenizer, whole)

    def refuse_too_long(self, wholes: Sequence[str]) -> None:
        """TextRefused for a text that the model itself counts above its context.

        Some servers cut such a text silently though they are told not to (ollama/ollama#14186). Where the vocabulary
        is not at hand the server decides.
        """
        tokenizer, context = self._own_tokenizer(), self._profile.context_tokens
        if tokenizer is None:
            return
        for position, encoding in enumerate(tokenizer.encode_batch_fast(list(wholes))):
            if len(encoding.ids) > context:
                raise too_long(position, len(encoding.ids), context, self._profile.model)

    def _own_tokenizer(self) -> Tokenizer | None:
        """The model's tokenizer; None where it is not installed or not the model's."""
        return bert_tokenizer() if self._profile.model in BERT_VOCABULARY else None
