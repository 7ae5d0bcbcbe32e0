"""The garbage collector: what belongs to nobody goes; finalizers `foregroundDeletion` and `orphan` are worked off."""

from __future__ import annotations

from .api import KINDS, Manifest
from .mirror import is_leaving
from .scene import FOREGROUND, ORPHAN, Scene, gather


async def garbage(scene: Scene) -> None:
    """Brings every object of the namespace one step on."""
    everything = [one for kind in KINDS for one in scene.all(kind)]
    leaving = [one for one in everything if is_leaving(one)]
    await gather(*(_finalize(scene, one, everything) for one in leaving))
    await gather(*(_collect(scene, one) for one in everything if not is_leaving(one)))


async def _collect(scene: Scene, one: Manifest) -> None:
    """Deletes an object all owners of which are gone; each is asked for, as a watch may lag."""
    references = one["metadata"].get("ownerReferences") or ()
    if not references:
        return
    for owner in references:
        kind, name, uid = owner["kind"], owner["name"], owner["uid"]
        if scene.mirror.has_uid(scene.namespace, kind, name, uid):
            return
        live = await scene.api.get(kind, scene.namespace, name) if kind in KINDS else None
        if live is not None and live["metadata"]["uid"] == uid:
            return
    await scene.delete(one, as_known=True)  # it may just have been orphaned


async def _finalize(scene: Scene, owner: Manifest, everything: list[Manifest]) -> None:
    finalizers = owner["metadata"].get("finalizers") or []
    uid = owner["metadata"]["uid"]
    dependents = [
        one for one in everything if any(ref["uid"] == uid for ref in one["metadata"].get("ownerReferences") or ())
    ]
    if ORPHAN in finalizers:
        for one in dependents:
            kept = [ref for ref in one["metadata"]["ownerReferences"] if ref["uid"] != uid]
            await scene.patch(one, {"metadata": {"ownerReferences": kept}})
        await _release(scene, owner, ORPHAN)
    elif FOREGROUND in finalizers:
        await gather(*(scene.delete(one, "Foreground") for one in dependents if not is_leaving(one)))
        blocking = [one for one in dependents if _blocks(one, uid)]
        if not blocking:
            await _release(scene, owner, FOREGROUND)


async def _release(scene: Scene, owner: Manifest, finalizer: str) -> None:
    kept = [one for one in owner["metadata"]["finalizers"] if one != finalizer]
    await scene.patch(owner, {"metadata": {"finalizers": kept}})


def _blocks(one: Manifest, uid: str) -> bool:
    references = one["metadata"].get("ownerReferences") or ()
    return any(ref["uid"] == uid and ref.get("blockOwnerDeletion") for ref in references)
