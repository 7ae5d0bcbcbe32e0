"""Retention: which generations go, and how they go, so that no reader ever finds half of one."""

from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

from .disk import storage_errors
from .files import remove_tree, sync
from .generations import GenerationSummary, current_id, list_generations
from .layout import Layout, is_generation_id
from .locks import builder_lock, pointer_lock


@dataclass(frozen=True, slots=True)
class GcOutcome:
    """What went and what stayed, each newest first; damaged ones stay for a person to look at, unless asked for.

    What a newer version wrote is always kept: only that version can tell whether it is good.
    """

    removed: tuple[str, ...]
    kept: tuple[str, ...]
    damaged: tuple[GenerationSummary, ...]


def to_remove(
    newest_first: Collection[GenerationSummary], published: str | None, retain: int, protect: Collection[str]
) -> tuple[str, ...]:
    """Good generations beyond the newest `retain`, without the published one and those in `protect`; newest first."""
    good = [one.id for one in newest_first if one.state in ("current", "kept")]
    return tuple(one for one in good[max(retain, 0) :] if one != published and one not in protect)


def gc(root: Path, retain: int = 3, protect: Collection[str] = (), *, damaged: bool = False) -> GcOutcome:
    """Removes what `to_remove` names, with damaged=True also what is damaged and not published.

    A generation is renamed first and deleted then: a reader finds all of it or none, and a server that has it mapped
    keeps its files until it closes them. RootLocked while a builder is at work.
    """
    with builder_lock(root):
        found = list_generations(root)
        bad = tuple(one for one in found if one.state == "damaged")
        going = list(to_remove(found, current_id(root), retain, protect))
        if damaged:
            going += [one.id for one in bad if one.id not in protect]
        removed = tuple(name for name in going if _remove(root, name))
    return GcOutcome(
        removed=removed,
        kept=tuple(one.id for one in found if one.state != "damaged" and one.id not in removed),
        damaged=tuple(one for one in bad if one.id not in removed),
    )


def remove(root: Path, generation_ids: Collection[str]) -> tuple[str, ...]:
    """Removes exactly these, damaged or not, and returns those that were there; the published one is never removed."""
    with builder_lock(root):
        return tuple(name for name in generation_ids if Layout(root).generation(name).exists() and _remove(root, name))


def _remove(root: Path, name: str) -> bool:
    """Whether it was removed, and the report of its build with it: False for the one that is published by now."""
    layout = Layout(root)
    with storage_errors(root):
        with pointer_lock(root):
            if name == current_id(root):
                return False
            going = (layout.generations / name).rename(layout.removing(name))
            sync(layout.generations)
        remove_tree(going)
        if is_generation_id(name) and (report := layout.report(name)).exists():
            remove_tree(report)
    return True
