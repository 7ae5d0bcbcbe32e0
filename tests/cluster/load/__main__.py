import asyncio
import json
import sys
from pathlib import Path

from tests.cluster.load.client import Manner, main

manner = Manner(**json.loads(sys.argv[4])) if sys.argv[4:] else Manner()
asyncio.run(main(sys.argv[1], float(sys.argv[2]), Path(sys.argv[3]), manner))
