"""spec.build: the Jobs that build an index, and when they run by themselves."""

import difflib
import functools
import zoneinfo
from typing import Annotated

from pydantic import AfterValidator, Field

from clockifyrag_resource.cel import Cel, cel_text
from clockifyrag_resource.containers import Resources
from clockifyrag_resource.cron import PATTERN, cron
from clockifyrag_resource.part import NEITHER, RESTARTS, Broken, Expected, Maybe, Part, broken_rules_error
from clockifyrag_resource.pod import Pod
from clockifyrag_resource.texts import Image

_CRON_WORDS = 'a cron line such as "30 3 * * *" or @daily'
_ZONE_WORDS = "a time zone of the IANA database such as Europe/Belgrade or Etc/UTC"


def _cron_line(text: str) -> str:
    try:
        cron(text)
    except ValueError as error:
        raise broken_rules_error(Broken((), f'"{text}": {error}', _CRON_WORDS)) from error
    return text


@functools.cache
def _time_zones() -> frozenset[str]:
    return frozenset(zoneinfo.available_timezones())


def _time_zone(text: str) -> str:
    known = _time_zones()
    if known and text not in known:  # a machine without the database cannot judge
        near = difflib.get_close_matches(text, known, n=1)
        hint = f"; the nearest is {near[0]}" if near else ""
        raise broken_rules_error(Broken((), f'"{text}"', _ZONE_WORDS + hint))
    return text


_CRON_RULE = Cel(f"self.matches({cel_text(PATTERN)})", _CRON_WORDS, shown="self")
CronLine = Annotated[str, Field(max_length=100), AfterValidator(_cron_line), Expected(_CRON_WORDS), _CRON_RULE]
TimeZone = Annotated[
    str, Field(max_length=64, pattern=r"^[A-Za-z0-9+_/-]+$"), AfterValidator(_time_zone), Expected(_ZONE_WORDS)
]


class Schedule(Part):
    """When the source is looked at again."""

    cron: CronLine = Field(
        description="Five fields: minute, hour, day, month, weekday; or @hourly … @yearly.", json_schema_extra=NEITHER
    )
    time_zone: TimeZone = Field(
        default="Etc/UTC", description="Time zone the line is read in.", json_schema_extra=NEITHER
    )
    suspend: bool = Field(default=False, description="true: no build is started by time.", json_schema_extra=NEITHER)


class Build(Part):
    """The Jobs that build an index."""

    image: Maybe[Image] = Field(
        default=None, description="Image. Unset: the one the operator came with.", json_schema_extra=RESTARTS
    )
    resources: Resources = Field(
        default=Resources(),
        description="CPU and memory of a build. Default: the operator's.",
        json_schema_extra=NEITHER,
    )
    deadline_seconds: int = Field(
        default=21600, ge=60, le=604_800, description="Seconds a build may take.", json_schema_extra=NEITHER
    )
    schedule: Maybe[Schedule] = Field(
        default=None, description="When the source is looked at again. Unset: only when the resource asks for it."
    )
    pod: Maybe[Pod] = Field(
        default=None,
        description="Additions to the pods of builds, and to the store's. Unset: none.",
        json_schema_extra=RESTARTS,
    )
