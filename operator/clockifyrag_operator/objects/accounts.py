"""The account pods run under, which may do nothing, and the Secret made once."""

from __future__ import annotations

import base64
import secrets

from clockifyrag_operator import names
from clockifyrag_operator.manifest import manifest
from clockifyrag_operator.observed import Manifest, Observed, Wanted

_INTERNAL_BYTES = 32


def service_account(wanted: Wanted) -> Manifest:
    """The account of all pods of the resource: without rights, its token mounted nowhere."""
    name = names.search(wanted.name)
    return manifest("v1", "ServiceAccount", wanted, name, names.SEARCH, automountServiceAccountToken=False)


def internal_secret(wanted: Wanted, seen: Observed) -> Manifest | None:
    """The Secret of random bytes; None once the ledger says that it was made.

    Search pods hash the questions of their logs with it, and show each other that they are siblings. It is the one
    object that is not determined by what is wanted: created, never read and never applied, so that a second creation
    meets the first and changes nothing.
    """
    if seen.ledger is not None and seen.ledger.internal_secret:
        return None
    key = base64.b64encode(secrets.token_bytes(_INTERNAL_BYTES)).decode()
    return manifest(
        "v1", "Secret", wanted, names.internal(wanted.name), names.SEARCH, type="Opaque", immutable=True,
        data={names.INTERNAL_KEY: key},
    )  # fmt: skip
