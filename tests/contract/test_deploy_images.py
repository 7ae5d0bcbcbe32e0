"""The Dockerfiles: read by a small parser, and what they copy is built and imported as the image would."""

import json
import os
import re
import shutil
import subprocess
import sys
import time
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import trustme

from clockifyrag_service.settings import Settings

ROOT = Path(__file__).resolve().parents[2]
FOLDERS = [pytest.param(folder, id=folder) for folder in ("service", "index-builder", "operator")]
LOCKS = {
    "operator": "requirements-operator.lock",
    "service": "requirements-service.lock",
    "index-builder": "requirements-builder.lock",
}
MODULES = {
    "service": ("clockifyrag_service.__main__", "clockifyrag_service.server"),
    "index-builder": ("clockifyrag_cli.__main__", "clockifyrag_cli.index", "clockifyrag_builder.build"),
    "operator": ("clockifyrag_operator.__main__",),
}
HEALTHCHECK = ROOT / "service" / "healthcheck.py"


@dataclass(frozen=True, slots=True)
class Instruction:
    """One instruction of a Dockerfile; `stage` counts the FROM lines above it, 0 before the first."""

    stage: int
    keyword: str
    value: str


def instructions(folder: str) -> list[Instruction]:
    """The instructions in order, remarks left out and continued lines joined."""
    text = (ROOT / folder / "Dockerfile").read_text()
    lines = re.sub(r"\\\n\s*", "", "".join(re.findall(r"^(?!#).*\n", text, re.MULTILINE))).splitlines()
    found: list[Instruction] = []
    stage = 0
    for line in filter(None, lines):
        keyword, _, value = line.partition(" ")
        stage += keyword == "FROM"
        found.append(Instruction(stage, keyword, value.strip()))
    return found


def values(folder: str, keyword: str, *, final: bool = False) -> list[str]:
    """The values of one keyword, of the last stage alone where `final`."""
    all_of_them = instructions(folder)
    last = all_of_them[-1].stage
    return [one.value for one in all_of_them if one.keyword == keyword and (not final or one.stage == last)]


def environment(folder: str) -> dict[str, str]:
    """The variables of the final image."""
    return dict(pair.split("=", 1) for value in values(folder, "ENV", final=True) for pair in value.split())


def copied_from_the_repository(folder: str) -> list[tuple[str, str]]:
    """(source, destination) of each COPY that is not from another stage."""
    found = []
    for words in (value.split() for value in values(folder, "COPY") if not value.startswith("--from=")):
        *sources, destination = [word for word in words if not word.startswith("--chmod=")]
        found += [(source, destination) for source in sources]
    return found


@pytest.mark.parametrize("folder", FOLDERS)
def test_an_image_stands_on_the_base_it_is_told_and_on_no_moving_tag(folder):
    arguments = values(folder, "ARG")
    bases = values(folder, "FROM")

    text = (ROOT / folder / "Dockerfile").read_text()

    image = "docker.io/library/python:3.12-slim"
    assert [f"BASE_IMAGE={image}", f"RUN_IMAGE={image}"] == arguments[:2]
    assert ["${BASE_IMAGE} AS build", "${RUN_IMAGE}"] == bases
    assert ":latest" not in text


@pytest.mark.parametrize("folder", FOLDERS)
def test_packages_come_from_the_lock_alone_with_their_hashes(folder):
    installs = [command for command in values(folder, "RUN") if "pip" in command and " install " in command]

    tools, locked, project = installs

    assert "/tools/bin/python3 install --no-deps --require-hashes --requirement /build/requirements-build.lock" in tools
    assert f"/venv/bin/python3 install --no-deps --require-hashes --requirement /build/{LOCKS[folder]}" in locked
    assert "/venv/bin/python3 install --no-deps --no-index /dist/*.whl" in project
    assert [] == values(folder, "ADD")


@pytest.mark.parametrize("folder", FOLDERS)
def test_what_makes_the_wheel_and_what_installs_it_stays_outside_of_the_image(folder):
    lock = (ROOT / LOCKS[folder]).read_text()

    names = set(re.findall(r"^([\w.-]+)==", lock, re.MULTILINE))

    assert set() == names & {"hatchling", "pip", "setuptools", "wheel"}
    assert ["/venv /venv"] == [
        value.partition(" ")[2] for value in values(folder, "COPY", final=True) if value.startswith("--from=build")
    ]
    assert all("pip" not in command for command in values(folder, "RUN", final=True))


@pytest.mark.parametrize("folder", FOLDERS)
def test_bytecode_does_not_depend_on_dates_which_are_all_the_same_in_the_image(folder):
    compiled = [command for command in values(folder, "RUN") if "compileall" in command]

    assert 1 == len(compiled)
    assert compiled[0].endswith("python3 -m compileall -q --invalidation-mode unchecked-hash /venv/lib")
    assert any("PIP_NO_COMPILE=1" in value for value in values(folder, "ENV"))


@pytest.mark.parametrize("name", ["builder", "operator", "service"])
def test_the_lock_of_an_image_accepts_what_the_tests_ran_with(name):
    tested = set(re.findall(r"^[\w.-]+==[^\s;]+", (ROOT / "requirements-dev.lock").read_text(), re.MULTILINE))

    locked = set(re.findall(r"^[\w.-]+==[^\s;]+", (ROOT / f"requirements-{name}.lock").read_text(), re.MULTILINE))

    assert set() == locked - tested


@pytest.mark.parametrize("folder", FOLDERS)
def test_the_image_runs_as_a_numbered_user_that_is_not_root_and_stops_on_sigterm(folder):
    final = [one.keyword for one in instructions(folder) if one.stage == len(values(folder, "FROM"))]

    users = values(folder, "USER", final=True)

    assert ["10001:10001"] == users
    assert "RUN" not in final[final.index("USER") :]
    assert ["SIGTERM"] == values(folder, "STOPSIGNAL", final=True)
    assert all(isinstance(json.loads(value), list) for value in values(folder, "ENTRYPOINT", final=True))


@pytest.mark.parametrize("folder", FOLDERS)
def test_the_image_says_what_it_is(folder):
    labels = dict(re.findall(r'org\.opencontainers\.image\.(\w+)="([^"]*)"', values(folder, "LABEL", final=True)[0]))

    version = re.search(r'^version = "(.+)"', (ROOT / "pyproject.toml").read_text(), re.MULTILINE)

    assert {"title", "description", "licenses", "version", "revision"} == labels.keys()
    assert f"clockifyrag-{folder}" == labels["title"]
    assert version is not None
    assert f"VERSION={version[1]}" in values(folder, "ARG", final=True)


@pytest.mark.parametrize("folder", FOLDERS)
def test_what_is_copied_stands_in_the_repository_and_is_sent_to_the_engine(folder):
    sent = [line.removeprefix("!") for line in (ROOT / ".dockerignore").read_text().splitlines() if line[:1] == "!"]

    sources = [source for source, _ in copied_from_the_repository(folder)]

    assert [] == [source for source in sources if not (ROOT / source).exists()]
    assert [] == [source for source in sources if source.split("/")[0] not in sent]


@pytest.mark.parametrize("folder", FOLDERS)
def test_the_wheel_of_the_copied_folders_runs_without_the_others(folder, tmp_path):
    context, unpacked = tmp_path / "build", tmp_path / "site-packages"
    for source, destination in copied_from_the_repository(folder):
        if destination.startswith("/build/"):
            target = context / destination.removeprefix("/build/")
            target = target / Path(source).name if destination.endswith("/") else target
            copy(ROOT / source, target)

    subprocess.run([sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", tmp_path], cwd=context, check=True)
    zipfile.ZipFile(next(tmp_path.glob("*.whl"))).extractall(unpacked)
    imported = subprocess.run(
        [sys.executable, "-I", "-c", IMPORT_FROM, unpacked, ROOT, *MODULES[folder]], capture_output=True, text=True
    )

    assert ("", 0) == (imported.stderr, imported.returncode)
    assert {str(unpacked)} == set(imported.stdout.split())


IMPORT_FROM = """
import importlib, pathlib, sys
unpacked, checkout, *modules = sys.argv[1:]
installed = [path for path in sys.path if "/site-packages" in path or not path.startswith(checkout)]
sys.path[:] = [unpacked, *installed]
for name in modules:
    importlib.import_module(name)
for name, module in sorted(sys.modules.items()):
    if name.startswith("clockifyrag_") and "." not in name:
        print(pathlib.Path(module.__file__).parent.parent)
"""


def copy(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    if source.is_dir():
        shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__"))
    else:
        shutil.copy(source, target)


def test_the_service_accepts_the_variables_of_its_image(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    for name, value in environment("service").items():
        if name.lower() in Settings.model_fields:
            monkeypatch.setenv(name, value)

    settings = Settings()

    assert ("0.0.0.0", 8000, Path("/index")) == (settings.api_host, settings.api_port, settings.index_root)
    assert ["8000"] == values("service", "EXPOSE", final=True)


def test_the_image_for_development_runs_the_packages_of_the_service_from_a_folder_it_may_write_to():
    text = (ROOT / "service" / "Dockerfile.dev").read_text()
    entrypoint = json.loads(text.partition("ENTRYPOINT ")[2])

    program, folder, packages = entrypoint[1], entrypoint[2], entrypoint[3:]

    assert "COPY --chmod=0444 service/reload.py /app/\n" in text
    assert "/app/reload.py" == program
    assert folder.startswith("/tmp/")
    assert packages == ["clockifyrag_service", "clockifyrag_index", "clockifyrag_resource"]
    assert "USER" not in text


def test_the_health_check_of_the_image_is_the_file_that_was_copied():
    (check,) = values("service", "HEALTHCHECK", final=True)

    command = json.loads(check[check.index("CMD ") + 4 :])

    assert ["python3", "/app/healthcheck.py"] == command
    assert ("service/healthcheck.py", "/app/") in copied_from_the_repository("service")


@pytest.fixture
def server(tmp_path) -> Iterator[dict[str, str]]:
    """Starts the service on free ports, without an index and with a certificate; its variables."""
    ca = trustme.CA()
    certificate = ca.issue_cert("localhost")
    certificate.cert_chain_pems[0].write_to_path(tmp_path / "tls.crt")
    certificate.private_key_pem.write_to_path(tmp_path / "tls.key")
    variables = {
        "INDEX_ROOT": str(tmp_path),
        "API_PORT": "0",
        "TLS_CERT_FILE": str(tmp_path / "tls.crt"),
        "TLS_KEY_FILE": str(tmp_path / "tls.key"),
    }
    inherited = {"PATH": os.environ["PATH"]}
    process = subprocess.Popen(
        [sys.executable, "-m", "clockifyrag_service"],
        env=inherited | variables, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
    )  # fmt: skip
    with process:
        assert process.stdout is not None
        port = process.stdout.readline().strip().rpartition(":")[2]
        yield inherited | variables | {"API_PORT": port}
        process.terminate()


def checked(variables: dict[str, str]) -> int:
    """The exit code of the health check."""
    return subprocess.run(
        [sys.executable, HEALTHCHECK], env=variables, stderr=subprocess.DEVNULL, check=False
    ).returncode


def test_the_health_check_tells_a_live_server_from_none(server):
    deadline = time.monotonic() + 30

    while (alive := checked(server)) and time.monotonic() < deadline:
        pass
    nobody_there = checked(server | {"API_PORT": "9"})
    without_tls = checked({name: value for name, value in server.items() if name != "TLS_CERT_FILE"})

    assert (0, 1, 1) == (alive, nobody_there, without_tls)
