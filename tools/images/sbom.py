"""A bill of materials in CycloneDX 1.5: every distribution of Python and every Debian package that an image holds.

Read from the image itself, so that nothing is listed that is not there. The same image gives the same file.
"""

import csv
import json
import re
import uuid
from datetime import UTC, datetime
from email.parser import HeaderParser
from pathlib import Path
from typing import Any

from tools.images.contents import Archive
from tools.images.recipe import EPOCH, ROOT, VERSION, Image

Component = dict[str, Any]
NAMESPACE = uuid.UUID("6ba7b811-9dad-11d1-80b4-00c04fd430c8")  # RFC 9562, of URLs
METADATA = re.compile(r"(?:^|/)venv/lib/python3\.\d+/site-packages/[^/]+\.dist-info/METADATA$")
RECORD = re.compile(r"^(venv/lib/python3\.\d+/site-packages)/[^/]+\.dist-info/RECORD$")
DPKG_STATUS = "var/lib/dpkg/status"
# What the module venv puts there itself.
OF_VENV = re.compile(r"^venv/(pyvenv\.cfg|lib64|bin/(python3?(\.\d+)?|[Aa]ctivate.*|𝜋thon))$")


def write_sbom(archive: Archive, image: Image, path: Path) -> int:
    """Writes the bill of the image; the number of its components."""
    document = bill(archive, image)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(document, indent=2, ensure_ascii=False) + "\n")
    return len(document["components"])


def bill(archive: Archive, image: Image) -> dict[str, Any]:
    """The document. Its serial number is made of the image's digest: no two images share one."""
    texts = archive.texts(lambda name: bool(METADATA.search(name)) or name == DPKG_STATUS)
    hashes = locked_hashes(image)
    components = [python_component(text, hashes) for name, text in texts.items() if name != DPKG_STATUS]
    components += debian_components(texts.get(DPKG_STATUS, ""))
    return {
        "bomFormat": "CycloneDX",
        "specVersion": "1.5",
        "serialNumber": f"urn:uuid:{uuid.uuid5(NAMESPACE, archive.image_id)}",
        "version": 1,
        "metadata": {
            "timestamp": datetime.fromtimestamp(EPOCH, UTC).isoformat(),
            "component": {
                "type": "container", "bom-ref": image.tag, "name": image.repository, "version": VERSION,
                "hashes": [{"alg": "SHA-256", "content": archive.image_id}],
            },
        },
        "components": sorted(components, key=lambda one: str(one["bom-ref"])),
    }  # fmt: skip


def python_component(metadata: str, hashes: dict[str, list[str]]) -> Component:
    """A distribution, by its METADATA; the hashes are those the lock accepts, of which one was installed."""
    told = HeaderParser().parsestr(metadata)
    name, version = normalized(told["Name"]), told["Version"]
    purl = f"pkg:pypi/{name}@{version}"
    component: Component = {"type": "library", "bom-ref": purl, "name": name, "version": version, "purl": purl}
    if licence := licence_of(told["License-Expression"], told["License"], told.get_all("Classifier") or []):
        component["licenses"] = [licence]
    if accepted := hashes.get(f"{name}=={version}"):
        component["properties"] = [{"name": "clockifyrag:lock:sha256", "value": value} for value in accepted]
    return component


def licence_of(expression: str | None, text: str | None, classifiers: list[str]) -> Component | None:
    """An SPDX expression where the metadata has one, else the licence's name; the whole text is not a name."""
    if expression:
        return {"expression": expression}
    named = [words.rpartition(" :: ")[2] for words in classifiers if words.startswith("License :: ")]
    if named:
        return {"license": {"name": "; ".join(named)}}
    short = (text or "").strip()
    return {"license": {"name": short}} if short and "\n" not in short else None


def debian_components(status: str) -> list[Component]:
    """The packages that dpkg has installed."""
    found = []
    for paragraph in status.split("\n\n"):
        told = HeaderParser().parsestr(paragraph)
        if told["Package"] and "installed" in told["Status"].split():
            purl = f"pkg:deb/debian/{told['Package']}@{told['Version']}?arch={told['Architecture']}"
            found.append({"type": "library", "bom-ref": purl, "name": told["Package"], "version": told["Version"],
                          "purl": purl})  # fmt: skip
    return found


def locked_hashes(image: Image) -> dict[str, list[str]]:
    """name==version → SHA-256 of each file that the image's lock accepts."""
    from tools.images.recipe import IMAGES

    files = IMAGES[image.parent].files() if image.parent else image.files()
    locks = [path for path in files if path.suffix == ".lock" and path.parent == ROOT]
    found: dict[str, list[str]] = {}
    for lock in locks:
        for block in re.split(r"\n(?=\S)", lock.read_text()):
            name, _, version = block.split()[0].partition("==") if block.strip() else ("", "", "")
            found[f"{normalized(name)}=={version}"] = re.findall(r"--hash=sha256:([0-9a-f]{64})", block)
    return found


def normalized(name: str) -> str:
    """As the index spells it: PyYAML is pyyaml. (PEP 503)"""
    return re.sub(r"[-_.]+", "-", name).lower()


def strangers(archive: Archive) -> list[str]:
    """Files below /venv that no distribution's RECORD names: nothing came in beside the lock."""
    records = archive.texts(lambda name: bool(RECORD.match(name)))
    claimed = set()
    for name, text in records.items():
        found = RECORD.match(name)
        assert found is not None
        for row in csv.reader(text.splitlines()):
            claimed.add(resolved(f"{found[1]}/{row[0]}"))
    held = (name for name, entry in archive.files.items() if name.startswith("venv/") and entry.kind != "5")
    return sorted(
        f"/{name}" for name in held if name not in claimed and not OF_VENV.match(name) and not compiled(name, claimed)
    )


def compiled(name: str, claimed: set[str]) -> bool:
    """Whether it is the bytecode of a claimed source."""
    found = re.fullmatch(r"(.*)/__pycache__/([^/]+)\.cpython-\d+\.pyc", name)
    return bool(found) and f"{found[1]}/{found[2]}.py" in claimed if found else False


def resolved(path: str) -> str:
    """Without `..`, which records of console scripts hold."""
    parts: list[str] = []
    for part in path.split("/"):
        parts = parts[:-1] if part == ".." else [*parts, part]
    return "/".join(parts)
