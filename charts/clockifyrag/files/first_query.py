"""Asks a search service one question and prints the best article; exits with 1 where there is no answer.

Environment: URL, of http or https as the schema of the values says, QUESTION, and API_KEY where the service wants one.
"""

import json
import os
import sys
import urllib.error
import urllib.parse
import urllib.request


def main() -> None:
    """Ends with a message for a person, whatever goes wrong on the way."""
    url = f"{os.environ['URL'].rstrip('/')}/search?{urllib.parse.urlencode({'q': os.environ['QUESTION']})}"
    key = os.environ.get("API_KEY")
    request = urllib.request.Request(url, headers={"X-API-Key": key} if key else {})  # noqa: S310
    try:
        with urllib.request.urlopen(request, timeout=10) as response:  # noqa: S310
            answer = json.load(response)
    except urllib.error.HTTPError as error:
        sys.exit(f"{url} answers {error.code}: {error.read(2000).decode(errors='replace')}")
    except OSError as error:
        sys.exit(f"{url} does not answer ({error}): is there a resource of that name, and is it Ready?")
    if not answer["results"]:
        sys.exit(f"{url} found nothing: ask something its documents answer, by the value test.question")
    best = answer["results"][0]
    print(f"{best['title']}  {best['url']}  ({answer['metadata']['index_generation']})")


if __name__ == "__main__":
    main()
