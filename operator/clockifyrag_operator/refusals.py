"""What one pass was refused: in words for the status, and by step, so that the same is not asked for again at once."""

from __future__ import annotations

import time

from clockifyrag_operator.errors import Foreign, Immutable, MadeOtherwise, Refused
from clockifyrag_operator.memory import Asked, Memory, Refusal, Step
from clockifyrag_operator.observed import Child, Manifest, Wanted


class Refusals:
    """Of one pass over one resource; knows what the pass before was refused."""

    def __init__(self, memory: Memory, wanted: Wanted) -> None:
        self.words: dict[Child, str] = {}  # why each object is not as it is wanted
        self.steps: dict[Step, Refusal] = {}
        self._memory, self._wanted = memory, wanted
        self._before = memory.refused.get((wanted.namespace, wanted.name), {})
        self._asked: Asked = ()  # what the step under way rests on

    def begin(self) -> None:
        """A step begins; as far as is known yet, it rests on the spec alone."""
        self._asked = (self._wanted.generation,)

    def require_due(self, manifest: Manifest, deed: str, *asked: object) -> None:
        """Raises the error of an earlier pass again where just that was refused lately: it need not be asked for yet.

        What else the pass does goes on meanwhile, and is not held up by what is refused for good.
        """
        self._asked = (self._wanted.generation, sorted(self._wanted.annotations.items()), *asked)
        before = self._before.get((manifest["kind"], manifest["metadata"]["name"], deed))
        if before is not None and before.asked == self._asked and time.monotonic() < before.until:
            raise before.error.with_traceback(None)  # or it grows with each pass

    def note(self, error: Refused, manifest: Manifest, deed: str) -> bool:
        """Keeps the refusal of a step; whether it was asked for in this pass."""
        place = (manifest["kind"], manifest["metadata"]["name"])
        self.words[place] = _why(error, *place) + _remedy(error, *place)
        step = (*place, deed)
        before = self._before.get(step)
        if before is not None and error is before.error:
            self.steps[step] = before
            return False
        self.steps[step] = self._memory.refusal(error, self._asked, before)
        self._memory.metrics.refused()
        return True


def _why(error: Refused, kind: str, name: str) -> str:
    """Why the object is not as it is wanted, and who says so: the API server, or we, who did not ask it."""
    own = isinstance(error, Foreign | MadeOtherwise)
    return error.message if own else f"the API server refused {kind} {name}: {error.message}"


def _remedy(error: Refused, kind: str, name: str) -> str:
    """What the author can do about a fixed field of an object that is not made anew by itself, or was in vain."""
    fixed = isinstance(error, Immutable) and kind != "PersistentVolumeClaim"
    return f"; it cannot be changed: delete {kind} {name}, and it is made again" if fixed else ""
