"""Weights: the tensors of a safetensors file as read-only arrays over the mapped file; nothing is copied.

Format: 8 bytes little-endian length, a JSON header of that length, then the tensors' bytes (huggingface/safetensors,
README, "Format"). The `safetensors` package copies each tensor it gives to numpy, and 90 MB a process is too much.
"""

import json
import mmap
import struct
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from ..errors import EmbedderError

Tensors = Mapping[str, npt.NDArray[Any]]

_LENGTH = struct.Struct("<Q")
_DTYPES = {"F64": "<f8", "F32": "<f4", "F16": "<f2", "I64": "<i8", "I32": "<i4", "U8": "u1"}


def mapped_tensors(path: Path) -> dict[str, npt.NDArray[Any]]:
    """Name → read-only array in the file's own dtype; tensors of a dtype numpy has not are left out.

    EmbedderError when the file cannot be read or is no whole safetensors file.
    """
    try:
        with path.open("rb") as file:
            data = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    except (OSError, ValueError) as error:  # ValueError: an empty file cannot be mapped
        raise EmbedderError(f"{path} cannot be read ({error}); reinstall the package that holds the model") from error
    try:
        return _tensors(data)
    except (ValueError, KeyError, TypeError, struct.error) as error:
        raise EmbedderError(
            f"{path} is not a whole safetensors file ({error}); reinstall the package that holds the model"
        ) from error


def _tensors(data: mmap.mmap) -> dict[str, npt.NDArray[Any]]:
    (length,) = _LENGTH.unpack_from(data)
    start = _LENGTH.size + length
    if start > len(data):
        raise ValueError(f"the header ends at byte {start} of {len(data)}")
    header: dict[str, Any] = json.loads(data[_LENGTH.size : start])
    header.pop("__metadata__", None)
    return {
        name: np.frombuffer(data, _DTYPES[entry["dtype"]], _count(entry), start + entry["data_offsets"][0]).reshape(
            entry["shape"]
        )
        for name, entry in header.items()
        if entry["dtype"] in _DTYPES
    }


def _count(entry: Mapping[str, Any]) -> int:
    """Values in the tensor. ValueError when its shape and its byte range disagree, or it begins before the data."""
    first, last = entry["data_offsets"]
    count = 1
    for size in entry["shape"]:
        count *= int(size)
    if first < 0 or last - first != count * np.dtype(_DTYPES[entry["dtype"]]).itemsize:
        raise ValueError(f"a tensor of shape {entry['shape']} takes {last - first} bytes")
    return count


def tensor(tensors: Tensors, name: str, shape: tuple[int, ...]) -> npt.NDArray[np.float32]:
    """The named float32 tensor. EmbedderError when it is missing or of another shape or type."""
    found = tensors.get(name)
    if found is None or found.shape != shape or found.dtype != np.float32:
        what = "none" if found is None else f"one of shape {found.shape} and type {found.dtype}"
        raise EmbedderError(f"the model has no tensor {name} of shape {shape} and type float32 but {what}")
    return found
