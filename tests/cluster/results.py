"""What a fault did, kept: a row of docs/reliability.md by its date and commit.

`make chaos` writes bench/chaos/<test>.json, so that a run of hours can be continued; other runs write below .run.
"""

from __future__ import annotations

import datetime
import json
import os
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
CHAOS = bool(os.environ.get("CHAOS"))
FOLDER = ROOT / "bench" / "chaos" if CHAOS else ROOT / ".run" / "chaos"
AFTER_SECONDS = 60.0 if CHAOS else 5.0  # how long questions go on after recovery


def keep(test: str, rows: str, **told: object) -> None:
    """Writes the result of a test; rows are the promises it stands for, as in "R4, T15"."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    commit = subprocess.run(["git", "rev-parse", "--short", "HEAD"], cwd=ROOT, capture_output=True, text=True)
    date = datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%d")
    content = {"rows": rows, "date": date, "commit": commit.stdout.strip(), **told}
    (FOLDER / f"{test}.json").write_text(json.dumps(content, indent=1) + "\n")
    print(f"  {rows}: {' '.join(f'{name}={value}' for name, value in told.items())}", flush=True)
