"""Logs: one JSON object a line on standard error; names of objects and reasons, never contents of specs or Secrets."""

from __future__ import annotations

import logging
import sys
from datetime import UTC, datetime
from typing import Any

import orjson

_STANDARD = frozenset(logging.makeLogRecord({}).__dict__) | {"message", "asctime", "taskName"}
_OF_KOPF = frozenset({"settings", "k8s_skip", "k8s_ref"})  # carries whole objects along


class JsonLines(logging.Formatter):
    """A record as one JSON object; values of `extra` become fields."""

    def format(self, record: logging.LogRecord) -> str:
        moment = datetime.fromtimestamp(record.created, UTC)
        line: dict[str, Any] = {
            "time": moment.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        line |= {key: value for key, value in record.__dict__.items() if key not in _STANDARD | _OF_KOPF}
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return orjson.dumps(line, default=str, option=orjson.OPT_NON_STR_KEYS).decode()


def set_up_logging(level: str) -> None:
    """Sends every logger's lines to standard error as JSON; other packages' only when they warn."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonLines())
    logging.basicConfig(level=level.upper(), handlers=[handler], force=True)
    for other in ("aiohttp", "asyncio"):
        logging.getLogger(other).setLevel(logging.WARNING)
    if level != "debug":
        logging.getLogger("kopf").setLevel(logging.ERROR)
        # Each attempt of each watch while the API server is away; what comes of it is told by lease and watches.
        logging.getLogger("kopf._cogs.clients").setLevel(logging.CRITICAL)
