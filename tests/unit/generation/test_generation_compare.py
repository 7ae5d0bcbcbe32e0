"""Comparing: documents, chunks and parameters that differ between two generations."""

from dataclasses import replace

from clockifyrag_index.compare import diff
from clockifyrag_index.generations import open_generation
from clockifyrag_index.writer import write_generation


def test_a_generation_does_not_differ_from_itself(samples):
    one = open_generation(samples.write().path)

    found = diff(one, one)

    one.close()
    assert (0, 0, 0) == (found.documents.added, found.documents.removed, found.documents.changed)
    assert (0, 0, 0) == (found.chunks.added, found.chunks.removed, found.chunks.changed)
    assert () == found.parameters
    assert found.same_vectors


def test_what_came_went_and_changed_is_counted_and_named(samples):
    chunks = samples.chunks()
    moved = replace(chunks[3], url="https://help.example/reports#moved")
    reworded = samples.chunk("timer", 1, "Other words.")
    added = samples.chunk("zones", 0, "Time zones.")
    before = open_generation(samples.write().path)
    rows = (chunks[1], chunks[2], moved, chunks[4], chunks[5], reworded, added)
    after = open_generation(write_generation(samples.root, samples.plan(chunks=rows), samples.lexical).path)

    found = diff(before, after)

    before.close()
    after.close()
    assert (("help/zones",), ("de/kiosk",), ("help/reports", "help/timer")) == (
        found.documents.added_examples,
        found.documents.removed_examples,
        found.documents.changed_examples,
    )
    assert ((reworded.chunk_id, added.chunk_id), (chunks[0].chunk_id, chunks[6].chunk_id), (moved.chunk_id,)) == (
        found.chunks.added_examples,
        found.chunks.removed_examples,
        found.chunks.changed_examples,
    )


def test_parameters_that_differ_are_listed_with_both_values(samples):
    plan = samples.plan()
    before = open_generation(samples.write().path)
    after = open_generation(
        samples.write(chunking={"maxChars": 1600}, embedder=replace(plan.embedder, digest="sha256:other")).path
    )

    found = {one.name: (one.before, one.after) for one in diff(before, after).parameters}

    before.close()
    after.close()
    assert {"chunking.maxChars", "embedder", "embedder.digest"} == found.keys()
    assert (800, 1600) == found["chunking.maxChars"]
    assert ("sha256:weights", "sha256:other") == found["embedder.digest"]
