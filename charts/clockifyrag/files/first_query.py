"""Asks a search service one question and prints the best article; exits with 1 where there is no answer.

Environment: URL, of http or https as the schema of the values says, QUESTION, and API_KEY where the service wants one.
"""

import json
import os
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
from http.client import HTTPResponse

ANSWER_SECONDS = 4.0
PATIENCE_SECONDS = 10.0  # a node learns of a ready pod a moment after its resource is, and refuses or drops until then


def main() -> None:
    """Ends with a message for a person, whatever goes wrong on the way."""
    url = f"{os.environ['URL'].rstrip('/')}/search?{urllib.parse.urlencode({'q': os.environ['QUESTION']})}"
    key = os.environ.get("API_KEY")
    request = urllib.request.Request(url, headers={"X-API-Key": key} if key else {})  # noqa: S310
    try:
        with opened(request) as response:
            answer = json.load(response)
    except urllib.error.HTTPError as error:
        sys.exit(f"{url} answers {error.code}: {error.read(2000).decode(errors='replace')}")
    except OSError as error:
        sys.exit(f"{url} does not answer ({error}): is there a resource of that name, and is it Ready?")
    if not answer["results"]:
        sys.exit(f"{url} found nothing: ask something its documents answer, by the value test.question")
    best = answer["results"][0]
    print(f"{best['title']}  {best['url']}  ({answer['metadata']['index_generation']})")


def opened(request: urllib.request.Request) -> HTTPResponse:
    """The answer; where none comes, it is tried again for PATIENCE_SECONDS. OSError as of urlopen."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while True:
        try:
            response: HTTPResponse = urllib.request.urlopen(request, timeout=ANSWER_SECONDS)  # noqa: S310
            return response
        except OSError as error:
            reason = getattr(error, "reason", error)
            if not isinstance(reason, ConnectionRefusedError | TimeoutError) or time.monotonic() > deadline:
                raise
        time.sleep(0.2)


if __name__ == "__main__":
    main()
