"""Retries: what a log says when something is asked again."""

import logging

import stamina.instrumentation

log = logging.getLogger(__name__)


def tell_retries() -> None:
    """From here on each repetition is logged with what failed and the wait, in place of stamina's bare event name."""
    stamina.instrumentation.set_on_retry_hooks([_told])


def _told(details: stamina.instrumentation.RetryDetails) -> None:
    log.warning("%s. Asked again in %.1f s", details.caused_by, details.wait_for)
