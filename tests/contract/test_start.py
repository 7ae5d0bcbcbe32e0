"""A start: whatever a server imports, it has imported before it asks its first question."""

import subprocess
import sys

from tests.contract.conftest import Engines

FIRST_QUESTION = """
import sys
from pathlib import Path
import clockifyrag_service.server
from clockifyrag_index.generations import open_generation
from clockifyrag_index.search import SearchEngine
from clockifyrag_service.embedding import EmbedderChoice
from clockifyrag_service.loading import ask_canary, phrase_index
from clockifyrag_service.settings import Settings
generation = open_generation(Path(sys.argv[1]))
engine = SearchEngine(generation, EmbedderChoice(Settings()).embedder_for(generation.manifest).embedder)
before = set(sys.modules)
ask_canary(engine)
assert len(phrase_index(generation)) == 2
print(*sorted(set(sys.modules) - before))
"""


def test_the_first_question_imports_nothing_more(engine_over: Engines) -> None:
    engine = engine_over({"bells.md": "# Bells\n\n## Tower\n\nThe bell of the tower rings at noon.\n"})

    asked = subprocess.run(
        [sys.executable, "-c", FIRST_QUESTION, str(engine.generation.path)], capture_output=True, text=True
    )

    assert (0, "") == (asked.returncode, asked.stdout.strip()), asked.stderr
