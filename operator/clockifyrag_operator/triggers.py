"""Triggers: what asks for a build although the spec is as before: a reindex token, or a tick of the schedule.

A trigger is a text that names its kind, since anything may stand in a token, a time too:

    token 2026-11-24        tick 2026-11-24T03:00:00+00:00        ""  the spec or its source asked
    = 0123456789ab          read back from a build key after the ledger was lost: the digest of one of the above
"""

import hashlib
from collections.abc import Mapping

from clockifyrag_operator import names

TOKEN, TICK, DIGEST = "token ", "tick ", "= "
_TOKEN_LENGTH_MAX = 63


def token_of(annotations: Mapping[str, str]) -> str | None:
    """The reindex token of a resource, a digest of it where it is long; None without one.

    >>> token_of({"clockifyrag.io/reindex": "monday"})
    'monday'
    """
    token = annotations.get(names.REINDEX, "").strip()
    if len(token) > _TOKEN_LENGTH_MAX:
        return "sha256-" + hashlib.sha256(token.encode()).hexdigest()[:32]
    return token or None


def asked_by(trigger: str, kind: str) -> str | None:
    """What stands behind TOKEN or TICK in the trigger; None for a trigger of another kind."""
    return trigger.removeprefix(kind) if trigger.startswith(kind) else None
