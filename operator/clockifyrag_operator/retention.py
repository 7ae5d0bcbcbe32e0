"""Retention: which generations may go. They are marked first; the next build is told to remove them."""

from dataclasses import replace

from clockifyrag_operator.ledger import BuildKey, Ledger


def with_marked(ledger: Ledger, retain: int, key: BuildKey | None, kept: frozenset[str | None]) -> Ledger:
    """The ledger in which every generation that nothing keeps is Removing.

    Kept are the published one, those in `kept` (pinned, or named by a pod), the newest `retain` good ones, as many
    candidates, and of those that the key wanted now led to the newest, whatever became of it, and the newest that may
    be served: without them it would be built again. While that key is not known, all are.
    """
    if key is None:
        return ledger
    newest = [
        one.id
        for state in ("Good", "Candidate")
        for one in [entry for entry in ledger.entries if entry.state == state][:retain]
    ]
    wanted = [one for one in ledger.entries if str(key) in one.build_keys and one.state != "Removing"]
    newest += [one.id for one in (*wanted[:1], *[one for one in wanted if one.servable][:1])]
    keeps = {ledger.current, *kept, *newest}
    for entry in ledger.entries:
        if entry.id not in keeps and entry.state != "Removing":
            ledger = ledger.with_changed(replace(entry, state="Removing"))
    return ledger


def removable(ledger: Ledger, key: BuildKey, kept: frozenset[str | None]) -> tuple[str, ...]:
    """What a build of this key is told to remove: all that is marked, unless something came to need it since."""
    newest = ledger.built_from(key)
    needed = {ledger.current, *kept, newest.id if newest else None}
    return tuple(sorted(one.id for one in ledger.entries if one.state == "Removing" and one.id not in needed))
