"""The benchmarks are run from the root of the checkout and are no part of the wheel: the tests find them there."""

import sys
from pathlib import Path

ROOT = str(Path(__file__).resolve().parents[3])
if ROOT not in sys.path:
    sys.path.append(ROOT)
