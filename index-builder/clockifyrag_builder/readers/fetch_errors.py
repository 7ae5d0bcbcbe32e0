"""What can go wrong while documents are fetched, drawn as a tree; all of them end a build with exit code 30.

    SourceError
    ├── AddressRefused        a URL leads where it must not: a private address, another scheme, outside `allow`
    ├── SourceUnreachable     no answer, or one that says "not now": worth another try
    ├── AnswerRefused         an answer that cannot be used: a status, a size, a digest
    │   └── NotADocument          content of a kind that is not read: a picture, a PDF
    ├── RobotsUnknown         a host's robots.txt cannot be read, so nobody knows what is allowed there
    └── OutOfTime             the deadline of the whole source has passed

No message holds a query string, a user name or an Authorization header.
"""

from clockifyrag_index.errors import SourceError


class AddressRefused(SourceError):
    pass


class SourceUnreachable(SourceError):
    """`retry_after_seconds` is what the server asked for in Retry-After, None where it did not."""

    def __init__(self, message: str, *, retry_after_seconds: float | None = None) -> None:
        super().__init__(message)
        self.retry_after_seconds = retry_after_seconds


class AnswerRefused(SourceError):
    pass


class NotADocument(AnswerRefused):
    pass


class RobotsUnknown(SourceError):
    pass


class OutOfTime(SourceError):
    pass
