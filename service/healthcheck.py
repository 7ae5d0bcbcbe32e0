"""Exit code 0 when the server beside it says that it is alive: the HEALTHCHECK of the image, which has no curl.

It asks OPS_PORT where there is one, else API_PORT, by https where the server has a certificate, whose name it cannot
know here and does not check. The standard library alone: it runs every few seconds.
"""

import os
import ssl
import sys
from http.client import HTTPConnection, HTTPException, HTTPSConnection

TIMEOUT_SECONDS = 4


def connection() -> HTTPConnection:
    """To the port that answers /live on this machine."""
    ops_port = os.environ.get("OPS_PORT")
    port = int(ops_port or os.environ.get("API_PORT") or 8000)
    if ops_port or not os.environ.get("TLS_CERT_FILE"):
        return HTTPConnection("127.0.0.1", port, timeout=TIMEOUT_SECONDS)
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return HTTPSConnection("127.0.0.1", port, timeout=TIMEOUT_SECONDS, context=context)


def main() -> int:
    asked = connection()
    try:
        asked.request("GET", "/live")
        status = asked.getresponse().status
    except (OSError, HTTPException) as error:
        print(f"/live on port {asked.port} does not answer: {error}", file=sys.stderr)
        return 1
    if status != 200:
        print(f"/live on port {asked.port} answered {status}, expected 200", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
