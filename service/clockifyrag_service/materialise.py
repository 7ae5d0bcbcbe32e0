"""Materialise: a generation of the store → a folder on this disk, every byte verified, for pods without the volume.

    GET meta.json ─ checked ─► .fetch-<id>.tmp-0/ ─ files, three at a time ─► rename to generations/<id>

The folder appears whole or not at all. What a cut, a restart or a store that went away left behind is gone on with.
"""

import os
import shutil
import threading
from collections.abc import Callable, Collection, Iterator
from concurrent.futures import FIRST_EXCEPTION, Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import httpx

from clockifyrag_index.disk import is_full
from clockifyrag_index.errors import GenerationDamaged, GenerationMissing, NoSpace, StorageError
from clockifyrag_index.files import remove_tree
from clockifyrag_index.layout import META, Layout
from clockifyrag_index.manifest import Manifest
from clockifyrag_index.manifest_reader import MANIFEST_BYTES_MAX, manifest_from
from clockifyrag_index.verify import verified_manifest

from .transfer import Interrupted, StoreUnavailable, busy_seconds, fetch_file, require_success, unreachable

FILES_AT_ONCE = 3
LOOK_SECONDS = 0.1  # between two looks at whether the fetch is still wanted
FILES_MAX = 1000
GENERATION_BYTES_MAX = 2**40
SPARE_BYTES = 2**20  # that stay free: meta.json, and what else is written there
CONNECT_SECONDS, SILENCE_SECONDS = 3.0, 5.0  # a store that says nothing for so long is asked again; an end waits, too

Progress = Callable[[int, int], None]  # bytes here, bytes in all; 0 of 0 before the store has told how many
GoOn = Callable[[], bool]


class Store:
    """The store, and the folder its generations are fetched into; used by one thread."""

    def __init__(self, url: str, root: Path) -> None:
        """url: its base, http://help-store:8001. Asks nothing yet."""
        self._layout = Layout(root)
        self._verified: set[str] = set()  # by this process: need not be read once more
        self._client = httpx.Client(
            base_url=url.rstrip("/") + "/v1/generations/",
            timeout=httpx.Timeout(SILENCE_SECONDS, connect=CONNECT_SECONDS),
            headers={"Accept-Encoding": "identity", "User-Agent": "clockifyrag"},
            trust_env=False,  # the store is in the cluster, a proxy is not
        )

    def materialise(self, generation_id: str, progress: Progress, go_on: GoOn) -> Path:
        """The folder of that generation, fetched unless it is here; its files are right, so they need not be verified.

        go_on: asked again and again; Interrupted once it says no. StoreUnavailable (another attempt goes on from
        there), GenerationMissing, GenerationDamaged, FormatUnsupported, NoSpace, without any path.
        """
        folder = self._layout.generation(generation_id)
        if generation_id in self._verified:
            return folder
        with _without_paths():
            if not _is_right(folder):
                self._fetch(generation_id, folder, progress, go_on)
        self._verified.add(generation_id)
        return folder

    def doubt(self, generation_id: str) -> None:
        """Has the generation on this disk verified again when it is asked for, and fetched anew where it is wrong."""
        self._verified.discard(generation_id)

    def remove(self, generation_id: str) -> None:
        """Takes the generation from this disk, if it is there."""
        self._verified.discard(generation_id)
        with _without_paths():
            _remove(self._layout.generation(generation_id))

    def keep_only(self, generation_ids: Collection[str]) -> None:
        """Removes all other generations from this disk, begun ones too."""
        kept = {*generation_ids, *(self._temporary(one).name for one in generation_ids)}
        with _without_paths():
            for path in self._layout.generations.iterdir() if self._layout.generations.is_dir() else ():
                if path.name not in kept:
                    self._verified.discard(path.name)
                    remove_tree(path)

    def close(self) -> None:
        """Ends the connections."""
        self._client.close()

    def _temporary(self, generation_id: str) -> Path:
        return self._layout.generations / f".fetch-{generation_id}.tmp-0"

    def _fetch(self, generation_id: str, folder: Path, progress: Progress, go_on: GoOn) -> None:
        progress(0, 0)  # how much it is nobody knows yet, and a slow store may take its time to say so
        data, manifest = self._manifest(generation_id, go_on)
        temporary = self._temporary(generation_id)
        here = _prepare(temporary, manifest)
        _require_space(temporary, generation_id, manifest.size_bytes - here)
        try:
            self._fetch_files(generation_id, temporary, manifest, progress, go_on)
        except GenerationMissing as error:
            self._manifest(generation_id, go_on)  # GenerationMissing, too, where all of it has gone by now
            raise GenerationDamaged(f"{error}, which has its manifest") from error
        (temporary / META).write_bytes(data)
        _remove(folder)  # damaged, else it would have been taken
        temporary.rename(folder)

    def _manifest(self, generation_id: str, go_on: GoOn) -> tuple[bytes, Manifest]:
        """meta.json as it is, and what it says."""
        content = bytearray()
        try:
            with self._client.stream("GET", f"{generation_id}/{META}") as response:
                if busy_seconds(response) is not None:
                    raise StoreUnavailable("the store is busy")
                require_success(response, expected=200)
                for piece in response.iter_raw():
                    if not go_on():
                        raise Interrupted(generation_id)
                    content += piece
                    if len(content) > MANIFEST_BYTES_MAX:
                        raise GenerationDamaged(f"{META}: more than {MANIFEST_BYTES_MAX:,} bytes")
        except httpx.HTTPError as error:
            raise unreachable(error) from error
        manifest = manifest_from(bytes(content), META)
        if manifest.id != generation_id:
            raise GenerationDamaged(f"{META}: the store gives that of {manifest.id}")
        if len(manifest.files) > FILES_MAX or manifest.size_bytes > GENERATION_BYTES_MAX:
            raise GenerationDamaged(
                f"{META}: {len(manifest.files):,} files of {manifest.size_bytes:,} bytes; expected at most "
                f"{FILES_MAX:,} of {GENERATION_BYTES_MAX:,}"
            )
        return bytes(content), manifest

    def _fetch_files(
        self, generation_id: str, temporary: Path, manifest: Manifest, progress: Progress, go_on: GoOn
    ) -> None:
        """All files are in `temporary`, or the first error is raised when no thread works any more."""
        here, cut = dict.fromkeys(manifest.files, 0), threading.Event()
        largest_first = sorted(manifest.files, key=lambda name: -manifest.files[name].size_bytes)

        def fetch(name: str) -> None:
            url, path = f"{generation_id}/{name}", temporary / name
            fetch_file(self._client, url, path, name, manifest.files[name], partial(here.__setitem__, name), cut)

        with ThreadPoolExecutor(FILES_AT_ONCE, thread_name_prefix="fetch") as pool:
            pending: set[Future[None]] = {pool.submit(fetch, name) for name in largest_first}
            try:
                while pending:
                    done, pending = wait(pending, timeout=LOOK_SECONDS, return_when=FIRST_EXCEPTION)
                    for future in done:
                        future.result()
                    progress(sum(here.values()), manifest.size_bytes)
                    if not go_on():
                        raise Interrupted(generation_id)
            finally:
                cut.set()
                pool.shutdown(cancel_futures=True)


def _is_right(folder: Path) -> bool:
    """Whether the generation is here and right, from before this process began."""
    if not folder.is_dir():
        return False
    try:
        verified_manifest(folder)
    except StorageError:
        return False  # it is fetched anew
    return True


def _remove(path: Path) -> None:
    """What has this name, if anything: a folder, a file, or a link that may lead nowhere."""
    if os.path.lexists(path):
        remove_tree(path)


def _prepare(temporary: Path, manifest: Manifest) -> int:
    """The folder for the files, with nothing else in it than regular ones of them; the bytes that are there already."""
    records = {temporary / name: record for name, record in manifest.files.items()}
    folders = {temporary, *(parent for path in records for parent in path.parents)}
    for path in [temporary, *temporary.rglob("*")]:
        fits = path in folders if path.is_dir() else path in records and path.is_file()
        if path.is_symlink() or not fits:
            _remove(path)
    for folder in folders:
        folder.mkdir(parents=True, exist_ok=True)
    return sum(min(path.stat().st_size, record.size_bytes) for path, record in records.items() if path.exists())


def _require_space(folder: Path, generation_id: str, size_bytes: int) -> None:
    free = shutil.disk_usage(folder).free
    if free < size_bytes + SPARE_BYTES:
        raise NoSpace(
            f"{generation_id} needs {size_bytes:,} more bytes, {free:,} are free; give the pod a larger volume at "
            "INDEX_ROOT (its old and its new generation are there at the same time)"
        )


@contextmanager
def _without_paths() -> Iterator[None]:
    """Within it an OSError leaves as NoSpace or StorageError that names no path."""
    try:
        yield
    except OSError as error:
        if is_full(error):
            raise NoSpace(f"no space is left for it ({error.strerror}); give the pod a larger volume") from error
        raise StorageError(f"INDEX_ROOT cannot be written ({error.strerror or type(error).__name__})") from error
