"""Canaries: a few fixed sentences whose vectors stand in the manifest and prove that a model is the same one.

A digest cannot tell that all-minilm in this process and all-minilm in a model server are one model, nor that a server
changed how it computes; the vectors can.
"""

import numpy as np

from . import Vectors

AGREEMENT_COSINE = 0.999  # the same weights in 16 and 32 bits agree to 0.9999; another model's cosine is near 0

# Plain ASCII words, whole sentences: tokenizers of the same model differ in how they treat rare characters only.
CANARY_TEXTS = (
    "Start the timer when you begin to work and stop it when you are done.",
    "A manager can approve or reject the timesheet of a team member.",
    "Billable rates can be set for a project, a task or a person.",
    "Export the summary report as a spreadsheet for the last month.",
    "How do I add time that I forgot to track yesterday?",
    "An archived project keeps its entries and can be restored later.",
    "The invoice lists all hours that have not been paid yet.",
    "Members see only their own entries unless they are administrators.",
)


def lowest_cosine(vectors: Vectors, others: Vectors) -> float:
    """Of each text's two vectors; both (n, dimensions) float32 of length 1, n at least 1.

    From AGREEMENT_COSINE on, one model gave all of them.
    """
    return float(np.min(np.sum(vectors * others, axis=1)))
