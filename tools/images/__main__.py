"""`python3 -m tools.images`: see tools/images/__init__.py."""

import argparse
import fcntl
import os
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from tools.binaries import open_lock
from tools.images import archive
from tools.images.contents import Archive
from tools.images.engines import Buildah, Docker, engine, own_engine, run, timed
from tools.images.recipe import IMAGES, RELEASED, ROOT, folder
from tools.images.sbom import strangers, write_sbom
from tools.images.smoke import failures
from tools.images.verify import differences, frozen_context

MIB = 2**20
KEPT = 2  # archives of one image: the newest, and the one that a node may be importing


def main() -> int:
    parser = argparse.ArgumentParser(prog="python3 -m tools.images")
    parser.add_argument("command", choices=("build", "verify", "sbom", "sizes", "archive"))
    parser.add_argument(
        "names", nargs="*", metavar="NAME", help=f"of {', '.join(IMAGES)}; unset: {', '.join(RELEASED)}"
    )
    wanted = parser.parse_args()
    unknown = [name for name in wanted.names if name not in IMAGES]
    if unknown:
        parser.error(f"no image {', '.join(unknown)}; expected {', '.join(IMAGES)}")
    names: Sequence[str] = wanted.names or RELEASED
    commands = {"build": build, "verify": verify, "sbom": sbom, "sizes": sizes, "archive": print_archives}
    return commands[wanted.command](names)


def build(names: Sequence[str]) -> int:
    """Builds what is missing, writes its bill of materials, and prints where it is.

    Called by Skaffold, which names the image in $IMAGE, it gives it that tag too; PUSH_IMAGE=true pushes it.
    """
    with one_at_a_time():
        using = engine()
        if isinstance(using, Buildah):
            using.remove_if_large()
        for name in with_parents(names):
            build_one(name, using)
    code = sbom(names)
    if name_wanted := os.environ.get("IMAGE"):
        hand_over(names, name_wanted, using)
    return code


def build_one(name: str, using: Docker | Buildah) -> None:
    """Puts the archive in its place by a rename, under the name of the sources it was built from."""
    image = IMAGES[name]
    target = image.archive
    if target.exists():
        return
    if isinstance(using, Buildah):
        using.base_images()
    unfinished = target.with_suffix(".unfinished")
    with timed(f"{image.tag}"):
        using.build(image, unfinished)
    if image.archive != target:
        sys.exit(f"The sources of {image.tag} changed while it was built: build again")
    unfinished.replace(target)
    for old in sorted(target.parent.glob(f"{image.repository}-{'[0-9a-f]' * 12}.tar"), key=written)[:-KEPT]:
        old.unlink()


def written(path: Path) -> float:
    return path.stat().st_mtime


def hand_over(names: Sequence[str], wanted: str, using: Docker | Buildah) -> None:
    """Gives the one image the name that Skaffold asks for, and pushes it where it says so."""
    if len(names) != 1:
        sys.exit(f"IMAGE is {wanted}, one name for {', '.join(names)}: name one image")
    (image,) = (IMAGES[name] for name in names)
    push = os.environ.get("PUSH_IMAGE") == "true"
    if isinstance(using, Docker):
        run(["docker", "load", "--input", str(image.archive)])
        run(["docker", "tag", image.tag, wanted])
        if push:
            run(["docker", "push", wanted])
    elif push:
        using.buildah("push", f"docker-archive:{image.archive}", f"docker://{wanted}")


def verify(names: Sequence[str]) -> int:
    """Builds everything twice, the bases too, with nothing kept in between, and runs it; 1 where anything is amiss."""
    own_engine()
    code = 0
    with one_at_a_time(), tempfile.TemporaryDirectory(dir=folder(), prefix="verify-") as scratch:
        context = frozen_context(Path(scratch, "context"))
        for turn in ("first", "second"):
            print(f"{turn} time", flush=True)
            using = Buildah(Path(scratch, turn, "store"), Path(scratch, turn), context)
            using.base_images()
            for name in with_parents(names):
                with timed(f"{IMAGES[name].tag}"):
                    using.build(IMAGES[name], Path(scratch, turn, f"{name}.tar"))
                for failure in failures(name, using) if turn == "first" else ():
                    print(f"  {failure}", flush=True)
                    code = 1
            using.remove()
        for name in names:
            first, second = (Archive(Path(scratch, turn, f"{name}.tar")) for turn in ("first", "second"))
            found = differences(first, second)
            print(f"{IMAGES[name].tag} sha256:{first.image_id} {'DIFFERS' if found else 'twice the same'}")
            print("".join(f"  {line}\n" for line in found[:40]), end="")
            code |= bool(found)
    return code


def with_parents(names: Sequence[str]) -> list[str]:
    """Each name once, behind the image it stands on."""
    return list(dict.fromkeys(one for name in names for one in (IMAGES[name].parent, name) if one))


def sbom(names: Sequence[str]) -> int:
    """Writes .run/images/<name>.cdx.json; 1 where an image holds a file in /venv that no distribution brought."""
    code = 0
    for name in names:
        held = Archive(archive(name))
        path = ROOT / ".run" / "images" / f"{name}.cdx.json"
        components = write_sbom(held, IMAGES[name], path)
        unknown = strangers(held)
        size = f"{held.size_bytes / MIB:.0f} MiB, {components} components"
        print(f"{IMAGES[name].tag} sha256:{held.image_id[:12]}, {size}: {archive(name)}")
        print("".join(f"  {path}: of no distribution\n" for path in unknown[:20]), end="")
        code |= bool(unknown)
    return code


def sizes(names: Sequence[str]) -> int:
    """Prints the size of each image and of its largest packages."""
    for name in names:
        held = Archive(archive(name))
        print(f"{IMAGES[name].tag}  {held.size_bytes / MIB:.1f} MiB in layers of "
              + " + ".join(f"{size / MIB:.1f}" for size in held.layer_sizes()))  # fmt: skip
        for package, size in held.largest()[:8]:
            print(f"  {size / MIB:6.1f} MiB  {package}")
    return 0


def print_archives(names: Sequence[str]) -> int:
    for name in names:
        print(archive(name))
    return 0


@contextmanager
def one_at_a_time() -> Iterator[None]:
    """Holds the lock of the folder: a second run waits, and then finds everything built."""
    with open_lock(folder()) as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


if __name__ == "__main__":
    try:
        sys.exit(main())
    except FileNotFoundError as error:
        sys.exit(str(error))
