"""Web: one GET at a time, through checked addresses, with redirects, retries, limits and kept answers.

url ─ permit? ─ wait one's turn ─ GET (If-None-Match) ─► 30x: the next url, all checks again
                                                      ├► 200: body streamed to disk, digest taken
                                                      ├► 304: the body kept from last time
                                                      ├► 429, 5xx, no connection: again, until the deadline
                                                      └► else: the status, without a body
"""

import hashlib
import ssl
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from pathlib import Path

import httpx
import stamina

from clockifyrag_builder.readers.addresses import checked_url, shown_url
from clockifyrag_builder.readers.fetch_errors import (
    AddressRefused,
    AnswerRefused,
    NotADocument,
    OutOfTime,
    SourceUnreachable,
)
from clockifyrag_builder.readers.kept_answers import KeptAnswer, KeptAnswers

_REDIRECTS = frozenset((301, 302, 303, 307, 308))
_TRANSIENT = frozenset((408, 425, 429, 500, 502, 503, 504))
_REDIRECTS_MAX = 5
_RETRY_AFTER_SECONDS_MAX = 60.0
_CONNECT_SECONDS_MAX = 15.0
_SILENCE_SECONDS_MAX = 60.0  # between two pieces of an answer
_PIECE_BYTES = 64 * 1024


@dataclass(frozen=True, slots=True)
class Clock:
    """Seconds that only go forward, and a way to let them pass; both are values so that a test can own them."""

    now: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep


@dataclass(frozen=True, slots=True)
class Wanted:
    """What one GET may cost and where it may lead."""

    max_bytes: int
    seconds: float  # for one attempt, the whole body included
    attempts: int = 4
    headers_for: Callable[[httpx.URL], Mapping[str, str]] = lambda url: {}
    refusal: Callable[[httpx.URL], str] = lambda url: ""  # why this hop must not be asked; "" = it may
    type_refusal: Callable[[httpx.URL, str], str] = lambda url, content_type: ""  # asked before the body is received
    as_received: bool = False  # keep a Content-Encoding: what is wanted is itself compressed


@dataclass(frozen=True, slots=True)
class Answer:
    """The last answer of a GET, after redirects."""

    url: httpx.URL  # the one that answered
    redirects: tuple[str, ...]  # the ones that pointed on, in order
    status: int
    kept: KeptAnswer | None  # set for 200 and 304
    unchanged: bool  # the body is the one kept from last time: by a 304, or the same bytes again


class Web:
    """GETs for one source. Not for threads: requests are sent one after the other, as politeness wants."""

    def __init__(
        self,
        transport: httpx.BaseTransport,
        kept: KeptAnswers,
        *,
        headers: Mapping[str, str],
        deadline_seconds: float,
        clock: Clock | None = None,
        take_turn: Callable[[httpx.URL], None] = lambda url: None,
    ) -> None:
        self.kept = kept
        self.answered: set[str] = set()  # URLs whose bodies were used
        self.clock = clock or Clock()
        self._transport = transport
        self._headers = headers
        self._deadline_seconds = deadline_seconds
        self._ends = self.clock.now() + deadline_seconds
        self._take_turn = take_turn

    def get(self, url: httpx.URL, wanted: Wanted) -> Answer:
        """The answer after redirects and retries.

        AddressRefused: a hop may not be asked. SourceUnreachable: nobody answers, or only "not now".
        AnswerRefused: too large, too slow, of a kind not wanted. OutOfTime: the deadline of all has passed.
        """
        for attempt in stamina.retry_context(
            on=_worth_another_try,
            attempts=wanted.attempts,
            timeout=self._seconds_left(url),
            wait_initial=0.5,
            wait_max=10.0,
        ):
            with attempt:
                return self._follow(url, wanted)
        raise AssertionError("stamina returns or raises")

    def _follow(self, url: httpx.URL, wanted: Wanted) -> Answer:
        passed: list[str] = []
        while len(passed) <= _REDIRECTS_MAX:
            if reason := wanted.refusal(url):
                raise AddressRefused(f"{shown_url(url)}: {reason}")
            self._take_turn(url)
            kept = self.kept.find(str(url))
            with self._response(url, wanted, kept) as (response, ends):
                if response.status_code not in _REDIRECTS or "location" not in response.headers:
                    return self._answer(url, response, tuple(passed), wanted, kept, ends)
                target = _redirect_target(url, response.headers["location"])
            passed.append(str(url))
            url = target
        raise AnswerRefused(
            f"{shown_url(passed[0])}: more than {_REDIRECTS_MAX} redirects, the last to {shown_url(url)}; "
            "give the final address"
        )

    @contextmanager
    def _response(
        self, url: httpx.URL, wanted: Wanted, kept: KeptAnswer | None
    ) -> Iterator[tuple[httpx.Response, float]]:
        """The open response, and the moment by which its body must be here; httpx errors become ours."""
        seconds = min(wanted.seconds, self._seconds_left(url))
        headers = {
            "Host": url.netloc.decode("ascii"),  # httpx would look at url.host, which fails for some names in `xn--`
            **self._headers,
            **(kept.conditions() if kept else {}),
            **wanted.headers_for(url),
        }
        # The transport itself, not httpx.Client: that would follow, keep cookies, and log whole URLs with their tokens.
        timeout = httpx.Timeout(min(seconds, _SILENCE_SECONDS_MAX), connect=min(seconds, _CONNECT_SECONDS_MAX))
        request = httpx.Request("GET", url, headers=headers, extensions={"timeout": timeout.as_dict()})
        try:
            with closing(self._transport.handle_request(request)) as response:
                yield response, self.clock.now() + seconds
        except httpx.TransportError as problem:
            raise _connection_error(url, problem) from problem
        except httpx.DecodingError as problem:
            raise AnswerRefused(f"{shown_url(url)}: the compressed body is damaged ({problem})") from problem

    def _seconds_left(self, url: httpx.URL) -> float:
        left = self._ends - self.clock.now()
        if left <= 0:
            raise OutOfTime(
                f"{shown_url(url)}: not fetched, the {self._deadline_seconds:g} s for this source are over; "
                "allow more time or fewer pages"
            )
        return left

    def _answer(
        self,
        url: httpx.URL,
        response: httpx.Response,
        passed: tuple[str, ...],
        wanted: Wanted,
        kept: KeptAnswer | None,
        ends: float,
    ) -> Answer:
        status = response.status_code
        if status in _TRANSIENT:
            raise SourceUnreachable(
                f"{shown_url(url)}: answers {status} {response.reason_phrase}; expected 200. "
                "Try again when the server is well",
                retry_after_seconds=_retry_after_seconds(response.headers.get("retry-after", "")),
            )
        if status == 304 and kept is not None:
            self.answered.add(str(url))
            return Answer(url, passed, status, kept, unchanged=True)
        if status != 200:
            return Answer(url, passed, status, None, unchanged=False)
        content_type = response.headers.get("content-type", "")
        if reason := wanted.type_refusal(url, content_type):
            raise NotADocument(f"{shown_url(url)}: {reason}")
        body, digest, size = self._received(url, response, wanted, ends)
        answer = KeptAnswer(
            etag=response.headers.get("etag", ""),
            last_modified=response.headers.get("last-modified", ""),
            content_type=content_type,
            robots_tag=response.headers.get("x-robots-tag", ""),
            sha256=digest,
            size_bytes=size,
        )
        self.kept.keep(str(url), answer, body)
        self.answered.add(str(url))
        return Answer(url, passed, status, answer, unchanged=kept is not None and kept.sha256 == digest)

    def _received(self, url: httpx.URL, response: httpx.Response, wanted: Wanted, ends: float) -> tuple[Path, str, int]:
        """(file, sha256, size) of the body, complete; nothing stays behind when it is too large or too slow."""
        shown, limit = shown_url(url), f"{wanted.max_bytes:,} bytes"
        if int(_digits(response.headers.get("content-length", ""))) > wanted.max_bytes:
            raise AnswerRefused(f"{shown}: says it is {response.headers['content-length']} bytes; at most {limit}")
        digest, size = hashlib.sha256(), 0
        pieces = response.iter_raw(_PIECE_BYTES) if wanted.as_received else response.iter_bytes(_PIECE_BYTES)
        with tempfile.NamedTemporaryFile(dir=self.kept.incoming, delete=False) as file:
            try:
                for piece in pieces:
                    size += len(piece)
                    if size > wanted.max_bytes:
                        raise AnswerRefused(f"{shown}: the body is larger than {limit}")
                    if self.clock.now() > ends:
                        raise AnswerRefused(
                            f"{shown}: only {size:,} bytes came in {wanted.seconds:g} s; allow more time"
                        )
                    digest.update(piece)
                    file.write(piece)
            except BaseException:
                Path(file.name).unlink()
                raise
        return Path(file.name), digest.hexdigest(), size


def _redirect_target(url: httpx.URL, location: str) -> httpx.URL:
    try:
        target = checked_url(str(url.join(location)))
    except httpx.InvalidURL as problem:
        raise AddressRefused(f"{shown_url(url)}: redirects to something that is no URL") from problem
    if url.scheme == "https" and target.scheme == "http":
        raise AddressRefused(f"{shown_url(url)}: redirects from https to {shown_url(target)}, which is not encrypted")
    return target.copy_with(fragment=None)


def _connection_error(url: httpx.URL, problem: httpx.TransportError) -> SourceUnreachable | AnswerRefused:
    cause: BaseException | None = problem
    while cause is not None:
        if isinstance(cause, ssl.SSLCertVerificationError):
            return AnswerRefused(
                f"{shown_url(url)}: its certificate is not trusted ({cause.verify_message}); "
                "SSL_CERT_FILE may name the authority's certificate"
            )
        cause = cause.__cause__ or cause.__context__  # httpcore raises some of them "from None"
    return SourceUnreachable(
        f"{shown_url(url)}: no answer ({type(problem).__name__}: {problem}); "
        "check the address, the network policy and the server"
    )


def _worth_another_try(problem: Exception) -> bool | float:
    """Seconds to wait where the server said so, else whether to try again at all."""
    if not isinstance(problem, SourceUnreachable):
        return False
    asked = problem.retry_after_seconds
    return True if asked is None else asked if asked <= _RETRY_AFTER_SECONDS_MAX else False


def _retry_after_seconds(header: str) -> float | None:
    """Retry-After as seconds from now (RFC 9110, section 10.2.3); None where it is absent or unreadable."""
    if header.isascii() and header.isdigit():
        return float(header)
    try:
        date = parsedate_to_datetime(header)
    except (ValueError, OverflowError):  # no date, or a number in it that no date has
        return None
    return max(0.0, (date - datetime.now(UTC)).total_seconds()) if date.tzinfo else None


def _digits(header: str) -> str:
    return header if header.isascii() and header.isdigit() else "0"
