"""Whether two builds are the same image; where not, which file of which layer differs and in what."""

import json
import shutil
from dataclasses import fields
from pathlib import Path

from tools.images.contents import Archive, Entry
from tools.images.recipe import IMAGES, ROOT


def frozen_context(target: Path) -> Path:
    """A copy of all that images are made of: work on the checkout goes on while they are built."""
    dockerfiles = {ROOT / image.dockerfile for image in IMAGES.values()}
    for path in {ROOT / ".dockerignore", *dockerfiles, *(path for image in IMAGES.values() for path in image.files())}:
        copy = target / path.relative_to(ROOT)
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(path, copy)
    return target


def differences(first: Archive, second: Archive) -> list[str]:
    """Nothing for the same image; else a line for each file, or each key of the configuration."""
    if first.image_id == second.image_id:
        return []
    found = []
    for number, (one, other) in enumerate(zip(first.layers, second.layers, strict=False), 1):
        found += [f"layer {number}: {line}" for line in layer_differences(one, other)]
    for key in sorted(first.config.keys() | second.config.keys()):
        values = [json.dumps(archive.config.get(key), sort_keys=True) for archive in (first, second)]
        if values[0] != values[1]:
            found.append(f"configuration: {key}: {values[0][:200]} and {values[1][:200]}")
    return found


def layer_differences(one: dict[str, Entry], other: dict[str, Entry]) -> list[str]:
    """A line for each file that is not the same in both; a layer whose files agree may differ in their order."""
    found = [f"/{name}: only in the first" for name in sorted(one.keys() - other.keys())]
    found += [f"/{name}: only in the second" for name in sorted(other.keys() - one.keys())]
    for name in sorted(one.keys() & other.keys()):
        for field in fields(Entry):
            values = getattr(one[name], field.name), getattr(other[name], field.name)
            if values[0] != values[1]:
                found.append(f"/{name}: {field.name} {values[0]} and {values[1]}")
    if not found and list(one) != list(other):
        found.append("the same files in another order")
    return found
