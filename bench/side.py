"""One side of a figure in its own process: `python -m bench.side MODULE SIDE <job.json >result.json`."""

import importlib
import json
import sys


def main() -> None:
    module, side = sys.argv[1:]
    print(json.dumps(importlib.import_module(module).SIDES[side](json.load(sys.stdin))))


if __name__ == "__main__":
    main()
