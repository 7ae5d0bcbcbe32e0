"""The images: built without Docker or a registry where there are none, from a base of Debian packages.

python3 -m tools.images build|verify|sbom|sizes [NAME …]      (from the root; the standard library alone)
"""

from pathlib import Path

from tools.images.recipe import IMAGES


def archive(name: str) -> Path:
    """The docker-archive of the image as the sources are now; FileNotFoundError says how to build it.

    name: operator, index-builder, service or service-dev. Its tag is `tools.images.recipe.IMAGES[name].tag`.
    """
    path = IMAGES[name].archive
    if not path.exists():
        raise FileNotFoundError(f"{path} is not built. Type: python3 -m tools.images build {name}")
    return path
