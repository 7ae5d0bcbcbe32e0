"""The kubelet of these tests: pods run, end and go as the world says; programs answer at addresses of their own."""

from __future__ import annotations

import itertools
import os
import time
from collections.abc import Callable
from typing import Any

from aiohttp import web

from .api import Manifest
from .mirror import is_leaving
from .scene import Scene, condition, container, gather, is_over, stamp
from .world import Container, Ending, PodState

PORTS = {"search": 9090, "build": 9090, "embed": 9090, "ollama": 11434}
WANTED = "clockifyrag.io/wanted-generation"  # the annotation whose change makes a kubelet refresh volumes
PROTECTION = "kubernetes.io/pvc-protection"


class Addresses:
    """Programs of pods, each listening at a loopback address of its own; `answer` is given pod's uid and path."""

    def __init__(self, answer: Callable[[str, str], dict[str, Any] | None]) -> None:
        self._answer = answer
        self._sites: dict[str, tuple[str, web.TCPSite]] = {}  # by pod's uid
        self._pods: dict[str, str] = {}  # address → pod's uid
        self._free = itertools.count(os.getpid() * 250 % 60_000)
        self._runner = web.ServerRunner(web.Server(self._handle), shutdown_timeout=0.1)

    async def open(self) -> None:
        await self._runner.setup()

    async def close(self) -> None:
        await self._runner.cleanup()

    async def take(self, uid: str, port: int | None) -> str:
        """The pod's address; a program listens there if a port is given."""
        if uid in self._sites:
            return self._sites[uid][0]
        while True:
            number = next(self._free) % 60_000
            address = f"127.{100 + number // 250 // 250}.{number // 250 % 250}.{1 + number % 250}"
            if port is None:
                return address
            site = web.TCPSite(self._runner, address, port)
            try:
                await site.start()
            except OSError:
                continue  # somebody else listens there
            self._sites[uid], self._pods[address] = (address, site), uid
            return address

    async def leave(self, uid: str) -> None:
        """Nobody listens at the pod's address any more."""
        held = self._sites.pop(uid, None)
        if held is not None:
            del self._pods[held[0]]
            await held[1].stop()

    async def _handle(self, request: web.BaseRequest) -> web.Response:
        assert request.transport is not None
        address = request.transport.get_extra_info("sockname")[0]
        uid = self._pods.get(address)
        found = None if uid is None else self._answer(uid, request.path)
        return web.json_response(found) if found is not None else web.Response(status=404)


async def pods(scene: Scene, addresses: Addresses) -> None:
    """Brings every pod of the namespace one step on."""
    await gather(*(_pod(scene, addresses, one) for one in scene.all("Pod")))


async def volumes(scene: Scene) -> None:
    """Binds claims, lets them grow, and lets go of those no pod uses."""
    used = {
        volume["persistentVolumeClaim"]["claimName"]
        for pod in scene.all("Pod")
        for volume in pod["spec"].get("volumes") or ()
        if "persistentVolumeClaim" in volume
    }
    for claim in scene.all("PersistentVolumeClaim"):
        finalizers = claim["metadata"].get("finalizers") or []
        if is_leaving(claim):
            if PROTECTION in finalizers and claim["metadata"]["name"] not in used:
                kept = [one for one in finalizers if one != PROTECTION]
                await scene.patch(claim, {"metadata": {"finalizers": kept}})
            continue
        spec = claim["spec"]
        capacity = {"storage": spec["resources"]["requests"]["storage"]}
        await scene.set_status(claim, {"phase": "Bound", "accessModes": spec["accessModes"], "capacity": capacity})


async def _pod(scene: Scene, addresses: Addresses, pod: Manifest) -> None:
    uid, seen = pod["metadata"]["uid"], container(pod)
    if is_leaving(pod):
        await addresses.leave(uid)
        await scene.delete(pod, grace_seconds=0)
        return
    if is_over(pod):
        await addresses.leave(uid)
        return
    owners = {one["kind"] for one in pod["metadata"].get("ownerReferences") or ()}
    ending = scene.world.ending(seen) if "Job" in owners else None
    if ending is not None and not ending.running:
        if ending.deadline:
            return  # the Job's controller takes it away
        await scene.set_status(pod, _ended(pod, ending))
        return
    state = scene.world.state(seen)
    age = time.monotonic() - scene.world.born.setdefault(uid, time.monotonic())
    if age < state.seconds:
        scene.again(state.seconds - age)
        state = PodState(ready=False)
    _refresh_pointer(scene, pod, seen)
    if state.unschedulable:
        await scene.set_status(pod, _pending(state.unschedulable, pod))
        return
    port = PORTS.get(seen.component) if not state.waiting else None
    held = (pod.get("status") or {}).get("podIP")
    address = await addresses.take(uid, port) if port or not held else held
    await scene.set_status(pod, _running(pod, state, address))


def _refresh_pointer(scene: Scene, pod: Manifest, seen: Container) -> None:
    """A pointer that is mounted is read at the start, and a while after the operator touched the pod."""
    mounted = [(one.get("configMap") or {}).get("name") for one in seen.spec.get("volumes", ())]
    if f"{seen.resource}-generations" not in mounted:
        return
    world, touch = scene.world, (pod["metadata"].get("annotations") or {}).get(WANTED, "")
    if world.touched.get(seen.name) == touch:
        return
    age = time.monotonic() - world.touches.setdefault((seen.name, touch), time.monotonic())
    if seen.name in world.touched and age < world.refresh_seconds:
        scene.again(world.refresh_seconds - age)
        return
    pointer = scene.get("ConfigMap", f"{seen.resource}-generations")
    if pointer is not None:
        generation = (pointer.get("data") or {}).get("current", "")
        world.pointers[seen.name], world.touched[seen.name] = generation, touch
        world.refreshed.append((scene.mirror.newest(scene.namespace), seen.name, generation))


def _conditions(pod: Manifest, *wanted: Manifest) -> list[Manifest]:
    held = {one["type"]: one for one in (pod.get("status") or {}).get("conditions") or ()}
    return [
        held[one["type"]]
        if one["type"] in held and all(held[one["type"]].get(name, "") == one[name] for name in ("status", "reason"))
        else one
        for one in wanted
    ]


def _pending(message: str, pod: Manifest) -> Manifest:
    return {
        "phase": "Pending",
        "conditions": _conditions(pod, condition("PodScheduled", False, "Unschedulable", message)),
    }


def _running(pod: Manifest, state: PodState, address: str) -> Manifest:
    held = pod.get("status") or {}
    started = held.get("startTime") or stamp()
    waits = {"waiting": {"reason": state.waiting, "message": f"{state.waiting}: chosen by the test"}}
    runs = {"running": {"startedAt": started}}
    return {
        "phase": "Pending" if state.waiting else "Running",
        "startTime": started,
        "podIP": address,
        "podIPs": [{"ip": address}],
        "conditions": _conditions(
            pod,
            condition("PodScheduled", True),
            condition("Initialized", not state.waiting, "" if not state.waiting else "ContainersNotInitialized"),
            condition("ContainersReady", state.ready, "" if state.ready else "ContainersNotReady"),
            condition("Ready", state.ready, "" if state.ready else "ContainersNotReady"),
        ),
        "initContainerStatuses": _init_statuses(pod, started),
        "containerStatuses": [
            _status(one, waits if state.waiting else runs, ready=state.ready) for one in pod["spec"]["containers"]
        ],
    }


def _init_statuses(pod: Manifest, started: str) -> list[Manifest]:
    done = {"terminated": {"exitCode": 0, "reason": "Completed", "startedAt": started, "finishedAt": started}}
    return [
        _status(one, {"running": {"startedAt": started}} if one.get("restartPolicy") == "Always" else done, ready=True)
        for one in pod["spec"].get("initContainers") or ()
    ]


def _ended(pod: Manifest, ending: Ending) -> Manifest:
    good = ending.exit_code == 0 and not ending.reason and not ending.evicted
    reason = ending.reason or ("Completed" if good else "Error")
    terminated = {
        "exitCode": ending.exit_code,
        "reason": reason,
        "message": ending.message,
        "startedAt": stamp(),
        "finishedAt": stamp(),
    }
    conditions = [condition("PodScheduled", True), condition("Ready", False, "PodCompleted" if good else "PodFailed")]
    if ending.evicted:
        conditions.append(condition("DisruptionTarget", True, "EvictionByEvictionAPI"))
    return {
        "phase": "Succeeded" if good else "Failed",
        "startTime": (pod.get("status") or {}).get("startTime") or stamp(),
        "conditions": conditions,
        "containerStatuses": [
            _status(one, {"terminated": terminated}, ready=False) for one in pod["spec"]["containers"]
        ],
    }


def _status(one: Manifest, state: Manifest, *, ready: bool) -> Manifest:
    return {
        "name": one["name"],
        "image": one["image"],
        "imageID": f"sha256:{one['image']}",
        "ready": ready,
        "started": "running" in state,
        "restartCount": 0,
        "lastState": {},  # as the server answers it: what is as wanted is not written again
        "state": state,
    }
