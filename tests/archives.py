"""Archives as tests need them, hostile ones among them."""

import io
import tarfile
import zipfile

import pytest

Members = list[tuple[str, bytes]]


def tar_bytes(members: Members, mode: str = "w:gz", extra: list[tarfile.TarInfo] | None = None) -> bytes:
    """A tar of these files, behind the members in `extra`."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode=mode) as tar:  # type: ignore[call-overload]
        for member in extra or []:
            tar.addfile(member)
        for name, data in members:
            info = tarfile.TarInfo(name)
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))
    return buffer.getvalue()


def zip_bytes(members: Members, method: int = zipfile.ZIP_DEFLATED) -> bytes:
    """A zip of these files, their names as they are given."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as archive:
        for name, data in members:
            info = zipfile.ZipInfo("placeholder")
            info.filename = name  # the constructor would tidy a hostile name
            info.compress_type = method
            archive.writestr(info, data)
    return buffer.getvalue()


def tar_member(name: str, kind: bytes, **fields: object) -> tarfile.TarInfo:
    """The header of a member of any kind: a link, a device, an extension."""
    info = tarfile.TarInfo(name)
    info.type = kind
    for field, value in fields.items():
        setattr(info, field, value)
    return info


FORMATS = [
    pytest.param("a.tar.gz", lambda members: tar_bytes(members, "w:gz"), id="tar.gz"),
    pytest.param("a.tar", lambda members: tar_bytes(members, "w"), id="tar"),
    pytest.param("a.zip", zip_bytes, id="zip deflated"),
    pytest.param("a.zip", lambda members: zip_bytes(members, zipfile.ZIP_STORED), id="zip stored"),
]
