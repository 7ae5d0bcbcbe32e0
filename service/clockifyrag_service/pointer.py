"""Pointer: which generation this server is to serve, by its settings.

GENERATION            that one, for ever
GENERATION_FILE       the one whose id stands in the file, looked at again and again
FAISS_…_PATH          the folder of those two files, for ever
otherwise             the one that INDEX_ROOT/CURRENT names, looked at again and again

With STORE_URL the folder need not be there yet.
"""

from dataclasses import dataclass
from pathlib import Path

from clockifyrag_index.layout import INDEX, META, Layout, is_generation_id

from .settings import Settings


class NothingToServe(Exception):
    """No generation is named yet, or the name cannot be used; the text is the reason without paths."""


@dataclass(frozen=True, slots=True)
class Pointer:
    """Where the name of the generation stands."""

    settings: Settings

    def wanted(self) -> Path:
        """The folder of the generation to serve. NothingToServe says why there is none."""
        try:
            return self._named()
        except OSError as error:
            raise NothingToServe(
                f"the index cannot be looked into ({error.strerror or type(error).__name__}); the user of this server "
                "must be allowed to search its folders and read its files"
            ) from error

    def _named(self) -> Path:
        settings = self.settings
        if settings.faiss_metadata_path and settings.faiss_index_path:
            return named_folder(settings.faiss_index_path, settings.faiss_metadata_path)
        layout, here = Layout(settings.index_root), settings.store_url is None
        if settings.generation:
            return folder_of(layout, settings.generation, "GENERATION", here)
        if settings.generation_file:
            line = first_line(settings.generation_file, "GENERATION_FILE")
            return folder_of(layout, line, "GENERATION_FILE", here)
        assert here, "the settings refuse a STORE_URL without GENERATION and GENERATION_FILE"
        return folder_of(layout, first_line(layout.current, "CURRENT"), "CURRENT", here)


def folder_of(layout: Layout, text: str, origin: str, here: bool) -> Path:
    """The folder of the generation with that id, which must be there if it is not fetched."""
    if not is_generation_id(text):
        raise NothingToServe(f"{origin} holds {text[:60]!r}; expected an id such as gen-0123456789ab")
    folder = layout.generation(text)
    if here and not folder.is_dir():
        raise NothingToServe(f"{origin} names {text}, which is not among the generations (yet)")
    return folder


def first_line(file: Path, origin: str) -> str:
    try:
        return file.read_text(encoding="utf-8").strip()
    except (FileNotFoundError, NotADirectoryError) as error:
        raise NothingToServe(f"there is no {origin} yet; build an index with `clockifyrag index build`") from error
    except (OSError, UnicodeDecodeError) as error:
        raise NothingToServe(f"{origin} cannot be read ({type(error).__name__})") from error


def named_folder(index: Path, metadata: Path) -> Path:
    """The generation that FAISS_INDEX_PATH and FAISS_METADATA_PATH lie in; the settings checked that it is one."""
    if index.name != INDEX or metadata.name != META:
        raise NothingToServe(
            f"FAISS_INDEX_PATH ends in {index.name!r} and FAISS_METADATA_PATH in {metadata.name!r}; expected the "
            f"{INDEX} and {META} of one generation"
        )
    if not metadata.exists() or not index.exists():
        missing = "FAISS_METADATA_PATH" if not metadata.exists() else "FAISS_INDEX_PATH"
        raise NothingToServe(f"{missing} names no file; build an index with `clockifyrag index build`")
    return metadata.parent
