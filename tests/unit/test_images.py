"""What tools/images reads from an archive: what it holds, whether two are the same, the bill of materials."""

import hashlib
import io
import json
import sys
import tarfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import pytest
from tools.images import archive, debian
from tools.images.canonical import write_canonical
from tools.images.contents import Archive
from tools.images.engines import run
from tools.images.recipe import IMAGES, RELEASED, VERSION, copied
from tools.images.sbom import bill, licence_of, locked_hashes, normalized, resolved, strangers
from tools.images.verify import differences

SITE = "venv/lib/python3.11/site-packages"
METADATA = "Name: Py.YAML\nVersion: 6.0.3\nLicense-Expression: MIT\n\nA long text.\nName: other\n"
STATUS = """Package: tzdata
Status: install ok installed
Architecture: all
Version: 2026a-0

Package: gone
Status: deinstall ok config-files
Architecture: all
Version: 1
"""
RECORD = "shop/__init__.py,sha256=x,1\nshop-1.dist-info/RECORD,,\n../../../bin/shop,,\n"
Layer = Mapping[str, str]
Made = Callable[..., Archive]


@pytest.fixture
def made(tmp_path: Path) -> Made:
    """made(layer, …, created=…): a docker-archive of layers, each a mapping of name to content."""
    count = iter(range(100))

    def make(*layers: Layer, created: str = "2020-02-02T00:00:00Z", mtime: int = 0, container: str = "none") -> Archive:
        path = tmp_path / f"{next(count)}.tar"
        names = [f"layer{number}.tar" for number in range(len(layers))]
        packed = [tarred(layer, mtime) for layer in layers]
        config = {
            "created": created, "os": "linux", "architecture": "amd64", "container": container,
            "config": {"Hostname": container, "User": "10001:10001", "Healthcheck": {"Test": ["CMD", "true"]}},
            "rootfs": {"diff_ids": [hashlib.sha256(layer).hexdigest() for layer in packed]},
        }  # fmt: skip
        manifest = [{"Config": "config.json", "RepoTags": ["clockifyrag-service:0"], "Layers": names}]
        files = {"manifest.json": json.dumps(manifest).encode(), "config.json": json.dumps(config).encode()}
        write(path, {**files, **dict(zip(names, packed, strict=True))})
        return Archive(path)

    return make


def tarred(files: Layer, mtime: int) -> bytes:
    memory = io.BytesIO()
    write(memory, {name: content.encode() for name, content in files.items()}, mtime)
    return memory.getvalue()


def write(target: Path | io.BytesIO, files: Mapping[str, bytes], mtime: int = 0) -> None:
    with tarfile.open(**({"name": target} if isinstance(target, Path) else {"fileobj": target}), mode="w") as tar:
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size, member.mtime = len(content), mtime
            tar.addfile(member, io.BytesIO(content))


def test_a_container_sees_later_layers_over_earlier_ones_without_what_they_took_away(made):
    image = made({"a": "old", "folder/b": "b", "folder/c/d": "d"}, {"./a": "newer", "folder/.wh.c": ""})

    seen = {name: entry.size for name, entry in image.files.items()}

    assert {"a": 5, "folder/b": 1} == seen
    assert [5, 5] == image.layer_sizes()
    assert 10 == image.size_bytes


def test_two_builds_of_the_same_bytes_are_the_same_image(made):
    one, other = made({"a": "1"}), made({"a": "1"})

    assert one.image_id == other.image_id
    assert [] == differences(one, other)


@pytest.mark.parametrize(
    ("other", "line"),
    [
        pytest.param({"a": "2", "b": "b"}, "layer 1: /a: digest 6b86b273", id="content"),
        pytest.param({"a": "1"}, "layer 1: /b: only in the first", id="a file less"),
        pytest.param({"a": "1", "b": "b", "c": ""}, "layer 1: /c: only in the second", id="a file more"),
        pytest.param({"b": "b", "a": "1"}, "layer 1: the same files in another order", id="order"),
    ],
)
def test_where_two_builds_differ_the_file_is_named(made, other, line):
    found = differences(made({"a": "1", "b": "b"}), made(other))

    assert found[0].startswith(line)


def test_where_two_builds_differ_in_dates_alone_the_date_or_the_key_is_named(made):
    dated = differences(made({"a": "1"}), made({"a": "1"}, mtime=9))
    configured = differences(made({"a": "1"}), made({"a": "1"}, created="2026-01-01T00:00:00Z"))

    assert "layer 1: /a: mtime 0 and 9" == dated[0]
    assert ['configuration: created: "2020-02-02T00:00:00Z" and "2026-01-01T00:00:00Z"'] == configured


def test_what_buildah_writes_of_the_build_itself_is_left_out_of_the_archive(made, tmp_path):
    of_two_builds = [made({"a": "1"}, container=container) for container in ("599f31660dee", "0a73f0d4193b")]

    for number, build in enumerate(of_two_builds):
        write_canonical(build, tmp_path / f"canonical{number}.tar")
    one, other = (Archive(tmp_path / f"canonical{number}.tar") for number in (0, 1))

    assert [] != differences(*of_two_builds)
    assert one.path.read_bytes() == other.path.read_bytes()
    assert {"User": "10001:10001", "Healthcheck": {"Test": ["CMD", "true"]}} == one.config["config"]
    assert of_two_builds[0].files == one.files
    assert of_two_builds[0].manifest["RepoTags"] == one.manifest["RepoTags"]


def test_the_bill_lists_each_distribution_and_each_installed_package_of_debian(made):
    image = made({f"{SITE}/pyyaml-6.0.3.dist-info/METADATA": METADATA, "var/lib/dpkg/status": STATUS})

    document = bill(image, IMAGES["service"])

    assert ("CycloneDX", "1.5") == (document["bomFormat"], document["specVersion"])
    assert "clockifyrag-service" == document["metadata"]["component"]["name"]
    assert ["pkg:deb/debian/tzdata@2026a-0?arch=all", "pkg:pypi/py-yaml@6.0.3"] == [
        component["purl"] for component in document["components"]
    ]
    assert [{"expression": "MIT"}] == document["components"][1]["licenses"]
    assert document == bill(image, IMAGES["service"])


def test_hashes_come_from_the_lock_of_the_image():
    service, operator = locked_hashes(IMAGES["service"]), locked_hashes(IMAGES["operator"])

    assert any(key.startswith("fastapi==") for key in service)
    assert all(len(value) == 64 for values in service.values() for value in values)
    assert not any(key.startswith("fastapi==") for key in operator)
    assert service == locked_hashes(IMAGES["service-dev"])


@pytest.mark.parametrize(
    ("told", "licence"),
    [
        pytest.param(("Apache-2.0", "x", ["License :: y"]), {"expression": "Apache-2.0"}, id="expression first"),
        pytest.param(
            (None, "x", ["License :: OSI Approved :: BSD License"]),
            {"license": {"name": "BSD License"}},
            id="classifier",
        ),
        pytest.param((None, " MIT ", []), {"license": {"name": "MIT"}}, id="short name"),
        pytest.param((None, "Copyright …\nPermission …", []), None, id="the whole text is no name"),
        pytest.param((None, None, []), None, id="nothing told"),
    ],
)
def test_a_licence_is_named_as_its_distribution_names_it(told, licence):
    assert licence == licence_of(*told)


def test_a_file_that_no_distribution_brought_is_found(made):
    image = made(
        {
            f"{SITE}/shop-1.dist-info/RECORD": RECORD,
            f"{SITE}/shop/__init__.py": "",
            f"{SITE}/shop/__pycache__/__init__.cpython-311.pyc": "",
            f"{SITE}/shop/__pycache__/planted.cpython-311.pyc": "",
            f"{SITE}/planted.so": "",
            "venv/bin/shop": "",
            "venv/bin/python3.11": "",
            "venv/bin/curl": "",
            "venv/pyvenv.cfg": "",
            "usr/bin/tar": "",
        }
    )

    found = strangers(image)

    assert [
        "/venv/bin/curl", f"/{SITE}/planted.so", f"/{SITE}/shop/__pycache__/planted.cpython-311.pyc",
    ] == found  # fmt: skip


def test_names_are_spelled_and_paths_shortened_as_in_the_index():
    assert ("ruamel-yaml-clib", "a/c") == (normalized("Ruamel.yaml_clib"), resolved("a/b/../c"))


def test_copies_from_other_stages_are_no_sources():
    text = "COPY --from=build /venv /venv\nCOPY --chmod=0444 a/b.py /app/\nCOPY one two /build/\n"

    assert ["a/b.py", "one", "two"] == copied(text)


def test_an_image_is_named_for_all_that_it_copies_and_for_nothing_that_a_run_leaves_behind():
    for name in RELEASED:
        files = [path.name for path in IMAGES[name].files()]

        assert "pyproject.toml" in files
        assert any(name.endswith(".lock") for name in files)
        assert not any(name.endswith(".pyc") for name in files)
    digests = {image.digest for image in IMAGES.values()}
    assert len(IMAGES) == len(digests)


def test_an_image_that_is_not_built_says_how_to_build_it(monkeypatch, tmp_path):
    monkeypatch.setenv("CLOCKIFYRAG_CACHE", str(tmp_path))

    with pytest.raises(FileNotFoundError) as refused:
        archive("operator")

    expected = tmp_path / "images" / f"clockifyrag-operator-{IMAGES['operator'].digest[:12]}.tar"
    assert f"{expected} is not built. Type: python3 -m tools.images build operator" == str(refused.value)


def test_the_tag_is_the_one_the_chart_asks_for():
    chart = (Path(__file__).resolve().parents[2] / "charts" / "clockifyrag" / "Chart.yaml").read_text()

    assert f"clockifyrag-service:{VERSION}" == IMAGES["service"].tag
    assert f"appVersion: {VERSION}" in chart.replace('"', "")


def names(lines: Sequence[str]) -> set[str]:
    return {line.split()[2] for line in lines}


def test_packages_of_debian_come_from_the_suite_of_the_base_with_its_security_updates():
    lines = debian.sources().splitlines()

    assert names(lines) >= {debian.SUITE, f"{debian.SUITE}-security"}
    assert {"deb"} == {line.split()[0] for line in lines}


def test_the_password_of_a_package_mirror_is_not_told_where_a_build_fails() -> None:
    argument = "PIP_INDEX_URL=https://me:s3cret@mirror.example/simple"

    with pytest.raises(SystemExit) as ended:
        run([sys.executable, "-c", "import sys; print(sys.argv[1]); sys.exit(1)", argument])

    assert "s3cret" not in str(ended.value)
    assert "//…@mirror.example/simple" in str(ended.value)
