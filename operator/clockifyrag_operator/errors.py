"""What can go wrong while the operator works, drawn as a tree.

    OperatorError
    ├── SetupError          the process cannot start: settings or credentials (exit code 2)
    ├── ApiError            the API server answered, and not with what was asked for
    │   ├── NotFound            404, 410: the object, its kind or its namespace is not there
    │   ├── AlreadyExists       409: somebody made it before
    │   ├── Conflict            409: it changed since it was read; look again and repeat
    │   │   ├── LedgerChanged       409: of the ledger, on which all that follows rests
    │   │   └── ResourceChanged     409: of the resource: what is told of it may be of an earlier one of its name
    │   ├── Refused             400, 403, 405, 413, 422: said again unchanged, it is refused again
    │   │   ├── Foreign             409, not asked: the object is somebody else's
    │   │   └── Immutable           422: a field that cannot change on a live object
    │   │       └── MadeOtherwise       422, not asked: an apply would succeed, and leave that field as it is
    │   ├── Unauthorized        401: the credentials are not accepted (any more)
    │   └── Busy                429, 5xx: worth another try, after `retry_after` seconds where that is told
    ├── Unreachable         no answer in time
    ├── LeaseLost           this process is not the leader (any more) and must not write
    ├── ResourceGone        the resource was deleted while it was worked on: nothing is left to do
    └── PassIncomplete      some steps of a pass failed for a passing reason; the others were done

In the queue alone these become waits and repetitions; what a resource's author can mend becomes a condition.
"""

from __future__ import annotations


class OperatorError(Exception):
    """The root of all errors this package raises on purpose."""

    retry_after: float | None = None  # seconds, where the other side named them


class SetupError(OperatorError):
    exit_code = 2


class ApiError(OperatorError):
    """An answer of the API server; `message` is its own."""

    def __init__(self, status: int, message: str, retry_after: float | None = None) -> None:
        super().__init__(f"{status}: {message}")
        self.status = status
        self.message = message
        self.retry_after = retry_after


class NotFound(ApiError):
    pass


class AlreadyExists(ApiError):
    pass


class Conflict(ApiError):
    pass


class LedgerChanged(Conflict):
    pass


class ResourceChanged(Conflict):
    pass


class Refused(ApiError):
    pass


class Foreign(Refused):
    """`message` is our own, a whole sentence."""


class Immutable(Refused):
    pass


class MadeOtherwise(Immutable):
    """`message` is our own, a whole sentence."""


class Unauthorized(ApiError):
    pass


class Busy(ApiError):
    pass


class Unreachable(OperatorError):
    pass


class LeaseLost(OperatorError):
    pass


class ResourceGone(OperatorError):
    pass


class PassIncomplete(OperatorError):
    """What is left over of a pass whose other steps were done."""

    def __init__(self, failures: tuple[OperatorError, ...]) -> None:
        assert failures, "a pass without failures is complete"
        super().__init__("; ".join(str(failure) for failure in failures))
        self.failures = failures
        told = [failure.retry_after for failure in failures if failure.retry_after is not None]
        self.retry_after = max(told) if told else None


_FIXED = ("field is immutable", "Forbidden: updates to", "may not change once set")  # the last: of Services


def api_error(status: int, reason: str, message: str, retry_after: float | None = None) -> ApiError:
    """The error that an answer stands for. reason: the word in the API server's Status object, "" if there is none.

    The API server refuses changes of fixed fields as 422 Invalid with one of three sentences; of claims, which never go
    for it, with a fourth (k8s.io/kubernetes, pkg/apis/*/validation).
    """
    fixed = any(words in message for words in _FIXED)
    kind: type[ApiError]
    if status == 404:
        kind = NotFound
    elif status == 410:
        kind = Busy  # a page of a list that took too long: it is begun anew
    elif status == 409:
        kind = AlreadyExists if reason == "AlreadyExists" else Conflict
    elif status == 401:
        kind = Unauthorized
    elif status == 429 or status >= 500:
        kind = Busy
    else:
        kind = Immutable if status == 422 and fixed else Refused
    return kind(status, message, retry_after)
