"""Who a document is: its canonical URL, its id, its category; and that no two documents share an id."""

import re
from functools import lru_cache
from urllib.parse import SplitResult, parse_qsl, quote, unquote, urlencode, urlsplit

from clockifyrag_builder.readers.read_log import IdClash, ReadLog

DEFAULT_PORTS = {"http": 80, "https": 443}
TRACKING = re.compile(r"utm_\w+|gclid|fbclid|msclkid|mc_[ce]id|_ga|_gl|igshid", re.IGNORECASE)


@lru_cache(maxsize=4096)  # every record of an article names it, and each is looked at twice
def canonical_url(url: str) -> str:
    """The URL as two spellings of one page share it; "" for what is no absolute http(s) URL.

    Scheme and host in lower case, no default port, user name, fragment or tracking parameters. The last "/" stays.
    """
    try:
        parts = urlsplit(url.strip())
        port = parts.port
    except ValueError:  # a port beyond 65,535, half an IPv6 address
        return ""
    if parts.scheme not in DEFAULT_PORTS or not parts.hostname or re.search(r"\s", parts.netloc):
        return ""
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    if port is not None and port != DEFAULT_PORTS[parts.scheme]:
        host = f"{host}:{port}"
    path = quote(parts.path or "/", safe="/%:@!$&'()*+,;=~-._")
    return SplitResult(parts.scheme, host, path, _query_without_tracking(parts.query), "").geturl()


def url_id(url: str) -> str:
    """`https://clockify.me/help/` → `clockify.me/help`: a document's id when only its URL names it."""
    parts = urlsplit(url)
    return f"{parts.netloc}{parts.path}".rstrip("/")


def url_key(url: str) -> str:
    """What URLs of the same page have in common: all but scheme and last "/"."""
    query = urlsplit(url).query
    return f"{url_id(url)}?{query}" if query else url_id(url)


def category_of(path: str) -> str:
    """`/help/track-time/timer` → `help/track-time`: all but the document's own name."""
    return "/".join([segment for segment in path.split("/") if segment][:-1])


def url_category(url: str) -> str:
    """The category of a URL's path, its percent signs decoded."""
    return category_of(unquote(urlsplit(url).path, errors="replace"))


def name_without_suffix(name: str) -> str:
    """`guide/getting-started.md` → `guide/getting-started`."""
    folder, slash, file_name = name.rpartition("/")
    stem = file_name.rpartition(".")[0] or file_name
    return f"{folder}{slash}{stem}"


def humanised(name: str) -> str:
    """`guide/getting-started_now.md` → `Getting started now`: a title where a document has none."""
    stem = name_without_suffix(name.rstrip("/")).rpartition("/")[2]
    words = re.sub(r"[-_\s]+", " ", unquote(stem, errors="replace")).strip()
    return words[:1].upper() + words[1:] or name or "Untitled"


def claimed_id(log: ReadLog, wanted: str, origin: str, *alternatives: str) -> str:
    """`wanted`, or when another document has it the first alternative that is free, or `wanted~2`, `wanted~3` …

    The id is taken from then on; a clash is noted with what became of it.
    """
    if wanted not in log.claimed:
        log.claimed[wanted] = origin
        return wanted
    free = next((name for name in alternatives if name and name not in log.claimed), "")
    ordinal = 2
    while not free:
        numbered = f"{wanted}~{ordinal}"
        free = "" if numbered in log.claimed else numbered
        ordinal += 1
    log.id_clashes.append(IdClash(wanted, log.claimed[wanted], origin, "kept as a document of its own", kept_as=free))
    log.claimed[free] = origin
    return free


def _query_without_tracking(query: str) -> str:
    kept = [(name, value) for name, value in parse_qsl(query, keep_blank_values=True) if not TRACKING.fullmatch(name)]
    if len(kept) == len(query.split("&")):
        return quote(query, safe="%&=+,;:@/?!$'()*~-._[]")  # untouched: encoding it anew could spell it otherwise
    return urlencode(kept)
