"""Plain pages (documents, API overview): their frame, and the headers of everything a browser shows."""

from html import escape

COMMON_POLICY = "base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
PLAIN_POLICY = f"default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; {COMMON_POLICY}"
PAGE_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    f"{COMMON_POLICY}"
)

BACK = '<p><a href="/">Back to the search</a></p>'


def security_headers(policy: str) -> dict[str, str]:
    """Headers of a page: what it may load, and that no other site may frame it or learn where the reader came from."""
    return {
        "content-security-policy": policy,
        "x-frame-options": "DENY",
        "referrer-policy": "no-referrer",
    }


def page(title: str, body: str) -> bytes:
    """A whole page, whose one script keeps the chosen theme; `body` is HTML whose texts are escaped already."""
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f'<title>{escape(title)}</title>\n<link rel="icon" href="/page/icon.svg" type="image/svg+xml">\n'
        '<link rel="stylesheet" href="/page/article.css">\n<script src="/page/theme.js"></script>\n</head>\n'
        f'<body class="document">\n{BACK}\n<main>\n{body}\n</main>\n{BACK}\n</body>\n</html>\n'
    ).encode()
