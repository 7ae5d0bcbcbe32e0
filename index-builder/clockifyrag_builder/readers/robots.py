"""Robots: what a host's robots.txt lets this crawler do (RFC 9309), read by protego."""

from dataclasses import dataclass, field
from importlib.metadata import version

import httpx
from protego import Protego

from clockifyrag_builder.readers.addresses import host_of, origin_of
from clockifyrag_builder.readers.fetch_errors import AddressRefused, AnswerRefused, RobotsUnknown, SourceUnreachable
from clockifyrag_builder.readers.web import Wanted, Web
from clockifyrag_index.errors import SourceError

ROBOT_NAME = "clockifyrag"  # the token a robots.txt addresses this crawler by
_READ_BYTES_MAX = 512 * 1024  # RFC 9309, section 2.5: at least 500 KiB are parsed
_RECEIVED_BYTES_MAX = 8 * 1024 * 1024
_CRAWL_DELAY_SECONDS_MAX = 300.0  # 288 pages a day; a site that asks for more does not want to be crawled


def user_agent() -> str:
    """The User-Agent header: name, version, and the token a robots.txt addresses."""
    return f"{ROBOT_NAME}/{version('clockifyrag')} (+documentation search; robots.txt token: {ROBOT_NAME})"


@dataclass(frozen=True, slots=True)
class Robots:
    """The rules of one origin; without a robots.txt everything is allowed."""

    rules: Protego = field(default_factory=lambda: Protego.parse(""))

    def allows(self, url: httpx.URL) -> bool:
        """Whether the URL may be asked for."""
        return self.rules.can_fetch(str(url), ROBOT_NAME)

    @property
    def delay_seconds(self) -> float:
        """Crawl-delay: seconds between two requests; 0 where none is asked for."""
        return self.rules.crawl_delay(ROBOT_NAME) or 0.0


def robots_of(web: Web, url: httpx.URL, *, seconds: float) -> Robots:
    """The rules of the URL's origin. A 4xx means there are none (RFC 9309, section 2.3.1.3).

    RobotsUnknown where the host answers 5xx, 429 or nothing: an empty crawl would look like a success. SourceError
    where it asks for longer pauses than a build can keep.
    """
    address = httpx.URL(origin_of(url)).copy_with(path="/robots.txt")
    try:
        answer = web.get(address, Wanted(max_bytes=_RECEIVED_BYTES_MAX, seconds=seconds))
    except (SourceUnreachable, AnswerRefused, AddressRefused) as problem:
        raise RobotsUnknown(f"{problem}. Without its robots.txt nothing on {host_of(url)} is crawled") from problem
    if answer.kept is None:
        if 400 <= answer.status < 500:
            return Robots()
        raise RobotsUnknown(
            f"{address}: answers {answer.status}; expected 200 or 404. Without it nothing on {host_of(url)} is crawled"
        )
    text = web.kept.body(answer.kept)[:_READ_BYTES_MAX].decode("utf-8-sig", errors="replace")
    robots = Robots(Protego.parse(text))
    if robots.delay_seconds > _CRAWL_DELAY_SECONDS_MAX:
        raise SourceError(
            f"{address}: asks for {robots.delay_seconds:g} s between two requests; up to {_CRAWL_DELAY_SECONDS_MAX:g} "
            "are waited. Ask the site's owner for an export of the articles"
        )
    return robots
