"""Retention: which generations may go. They are marked first; the next build is told to remove them."""

from dataclasses import replace

from clockifyrag_operator.ledger import BuildKey, Ledger


def with_marked(ledger: Ledger, retain: int, key: BuildKey | None, kept: frozenset[str | None]) -> Ledger:
    """The ledger in which every generation that nothing keeps is Removing.

    Kept are the published one, those in `kept` (pinned, or named by a pod), the newest `retain` good ones, as many
    candidates, and what the key wanted now led to: without that it would be built again.
    """
    newest = [
        one.id
        for state in ("Good", "Candidate")
        for one in [entry for entry in ledger.entries if entry.state == state][:retain]
    ]
    keeps = {ledger.current, *kept, *newest}
    for entry in ledger.entries:
        wanted = key is None or str(key) in entry.build_keys
        if entry.id not in keeps and not wanted and entry.state != "Removing":
            ledger = ledger.with_changed(replace(entry, state="Removing"))
    return ledger


def removable(ledger: Ledger, key: BuildKey, kept: frozenset[str | None]) -> tuple[str, ...]:
    """What a build of this key is told to remove: all that is marked, unless something came to need it since."""
    return tuple(
        sorted(
            entry.id
            for entry in ledger.entries
            if entry.state == "Removing" and entry.id != ledger.current and entry.id not in kept
            and str(key) not in entry.build_keys
        )
    )  # fmt: skip
