"""HTML: the frame of the plain pages (documents, API overview), and the headers of everything a browser shows."""

import base64
import hashlib
from html import escape

STYLE = """
:root { color-scheme: light dark; font: 16px/1.6 system-ui, sans-serif; }
body { max-width: 46rem; margin: 2rem auto; padding: 0 1rem; overflow-wrap: anywhere; }
h1 { line-height: 1.2; } h2 { margin-top: 2.2rem; font-size: 1.15rem; } :target { background: #ffd70044; }
.text { white-space: pre-wrap; margin: .8rem 0; } code { font-family: ui-monospace, monospace; }
table { border-collapse: collapse; } td, th { text-align: left; vertical-align: top; padding: .2rem .8rem .2rem 0; }
"""
STYLE_HASH = base64.b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()

COMMON_POLICY = "base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
PLAIN_POLICY = f"default-src 'none'; style-src 'sha256-{STYLE_HASH}'; {COMMON_POLICY}"
PAGE_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    f"{COMMON_POLICY}"
)


def security_headers(policy: str) -> dict[str, str]:
    """Headers of a page: what it may load, and that no other site may frame it or learn where the reader came from."""
    return {
        "content-security-policy": policy,
        "x-frame-options": "DENY",
        "referrer-policy": "no-referrer",
    }


def page(title: str, body: str) -> bytes:
    """A whole page without scripts; `body` is HTML whose texts are escaped already."""
    return (
        '<!doctype html>\n<html lang="en">\n<head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(title)}</title><style>{STYLE}</style></head>\n<body>\n{body}\n"
        '<p><a href="/">Search</a></p>\n</body>\n</html>\n'
    ).encode()
