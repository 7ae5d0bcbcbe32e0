"""Questions to measure an index with: headings, which are short as what people type and unlike what is indexed."""

from collections.abc import Sequence
from random import Random

import numpy as np

from clockifyrag_index.chunk import Chunk
from clockifyrag_index.embedders import Embedder, Vectors
from clockifyrag_index.errors import TextRefused

QUESTIONS_MAX = 200


def recall_questions(chunks: Sequence[Chunk], embedder: Embedder) -> Vectors:
    """(m, dimensions) float32, m at most 200: headings of chunks that a seed draws, as questions; each text once.

    EmbedderError as the embedder raises it; a heading that it cannot embed is left out.
    """
    drawn = Random(0).sample(range(len(chunks)), min(QUESTIONS_MAX, len(chunks)))
    texts = dict.fromkeys(
        chunk.headings[-1] if chunk.headings else chunk.title for chunk in map(chunks.__getitem__, drawn)
    )
    vectors = []
    for text in texts:
        try:
            vectors.append(embedder.embed_question(text))
        except TextRefused:
            continue
    return np.array(vectors, dtype=np.float32).reshape(len(vectors), embedder.identity.dimensions)
