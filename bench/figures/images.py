"""Images: how large they are, unpacked. A size is absolute and the same in every round: it is taken once."""

import subprocess
import sys
from collections.abc import Iterator

from tools.images import archive
from tools.images.contents import Archive
from tools.images.recipe import RELEASED

from bench.comparison import Comparison, Side
from bench.errors import BenchFailed
from bench.harness import Bench
from bench.machine import ROOT

MIB = 2**20


def measure(bench: Bench) -> Iterator[Comparison]:
    """BenchFailed where images cannot be built, with the builder's reason."""
    bench.say("building what is not built yet")
    built = subprocess.run(
        [sys.executable, "-m", "tools.images", "build", *RELEASED], cwd=ROOT, capture_output=True, text=True
    )
    if built.returncode:
        raise BenchFailed(f"the images could not be built: {(built.stderr or built.stdout).strip()[-500:]}")
    for name in RELEASED:
        image = Archive(archive(name))
        base, *above = image.layer_sizes()
        packages = ", ".join(f"{package} {size / MIB:.0f}" for package, size in image.largest()[:4])
        yield Comparison(
            f"image-{name}",
            f"Size of the image {name}",
            Side("its layers, unpacked", "MiB", (image.size_bytes / MIB,)),
            remark=f"{base / MIB:.0f} MiB of base, {sum(above) / MIB:.0f} MiB on it; largest: {packages}",
        )
