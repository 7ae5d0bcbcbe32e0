import asyncio
import sys
from pathlib import Path

from tests.cluster.load.client import main

asyncio.run(main(sys.argv[1], float(sys.argv[2]), Path(sys.argv[3])))
