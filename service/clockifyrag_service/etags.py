"""ETags: what a browser has already need not be sent again (RFC 9110, sections 8.8.3 and 13.1.2).

Those of answers are weak: request id and latency differ each time, what was found does not.
"""

import hashlib


def weak_etag(content: bytes) -> bytes:
    """The tag of what is the same for all who ask.

    >>> weak_etag(b"head")
    b'W/"d519d28b019078bd"'
    """
    return b'W/"%b"' % hashlib.blake2b(content, digest_size=8).hexdigest().encode()


def is_unchanged(etag: bytes, if_none_match: bytes | None) -> bool:
    """Whether the header If-None-Match (None: not sent) names the tag, compared weakly, or is `*`.

    >>> is_unchanged(b'W/"1"', b'"0", "1"'), is_unchanged(b'"1"', b'W/"1"'), is_unchanged(b'"1"', b'"11"')
    (True, True, False)
    """
    if if_none_match is None:
        return False
    if if_none_match == etag or if_none_match.strip() == b"*":
        return True
    opaque = etag.removeprefix(b"W/")
    return any(tag.strip().removeprefix(b"W/") == opaque for tag in if_none_match.split(b","))
