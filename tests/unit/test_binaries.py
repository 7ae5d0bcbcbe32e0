"""Which programs a cluster is made of, where they are kept, and what is said when one is not there."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from tools import binaries
from tools.binaries import ASSETS, IN_ASSETS, PROGRAMS, find, numbers, place, variables

SCRIPT = Path(__file__).resolve().parents[2] / "tools" / "binaries.py"


def test_versions_are_those_that_the_modules_pin() -> None:
    versions = {name: program.version for name, program in PROGRAMS.items()}

    pinned = {
        "coredns": "v1.14.7",
        "etcd": "v3.6.11",
        "helm": "v3.22.0",
        "local-path-provisioner": "v0.0.30",
        "metrics-server": "v0.9.0",
        "ollama": "v0.17.4",
        "prometheus": "v0.306.0",
        "prometheus-config-reloader": "v0.85.0",
        "prometheus-operator": "v0.85.0",
        "promtool": "v0.306.0",
    }
    assert pinned | dict.fromkeys(PROGRAMS.keys() - pinned, "v1.35.4") == versions


def test_a_program_knows_its_version_by_the_linker() -> None:
    kubernetes = variables(PROGRAMS["kubectl"])
    helm = variables(PROGRAMS["helm"])

    assert "v1.35.4" == kubernetes["k8s.io/component-base/version.gitVersion"]
    assert ("1", "35") == tuple(kubernetes[f"k8s.io/client-go/pkg/version.git{part}"] for part in ("Major", "Minor"))
    assert "v3.22.0" == helm["helm.sh/helm/v3/internal/version.version"]
    assert "37" == helm["helm.sh/helm/v3/pkg/chartutil.k8sVersionMinor"]  # of its own client, as its releases have it


def test_programs_of_one_module_share_a_folder_named_by_the_digest_of_its_pins(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv(ASSETS, raising=False)
    monkeypatch.setenv("CLOCKIFYRAG_CACHE", str(tmp_path))

    server, client, etcd = place("kube-apiserver"), place("kubectl"), place("etcd")

    assert server.parent == client.parent != etcd.parent
    assert tmp_path / "bin" == etcd.parent.parent
    assert 12 == len(etcd.parent.name)


def test_a_program_in_cxx_is_kept_apart_by_the_processor_it_was_compiled_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(binaries, "processor_flags", lambda: ["-O3"])
    plain = {name: program.built.parent for name, program in PROGRAMS.items()}

    monkeypatch.setattr(binaries, "processor_flags", lambda: ["-O3", "-march=x86-64-v3"])
    fast = {name: program.built.parent for name, program in PROGRAMS.items()}

    assert {"ollama"} == {name for name in PROGRAMS if plain[name] != fast[name]}


def test_kubebuilder_assets_win_for_what_they_hold(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv(ASSETS, str(tmp_path))
    for name in IN_ASSETS:
        (tmp_path / name).touch()

    places = {name: place(name).parent for name in PROGRAMS}

    assert set(IN_ASSETS) == {name for name, folder in places.items() if folder == tmp_path}


def test_what_is_missing_is_named_with_the_way_to_get_it(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("CLOCKIFYRAG_CACHE", str(tmp_path))
    monkeypatch.delenv(ASSETS, raising=False)
    with pytest.raises(FileNotFoundError, match=r"python3 tools/binaries.py helm$"):
        find("helm")

    monkeypatch.setenv(ASSETS, str(tmp_path))
    with pytest.raises(FileNotFoundError, match="holds no etcd: correct it, or unset it"):
        find("etcd")


def test_what_is_there_is_not_built_and_the_last_line_is_its_folders(tmp_path: Path) -> None:
    for name in IN_ASSETS:
        (tmp_path / name).touch()
    environment = os.environ | {ASSETS: str(tmp_path), "CLOCKIFYRAG_CACHE": str(tmp_path)}

    command = [sys.executable, str(SCRIPT), "etcd", "kubectl"]
    said = subprocess.run(command, env=environment, capture_output=True, text=True)

    assert (0, f"{tmp_path}\n") == (said.returncode, said.stdout)


def test_an_unknown_program_is_refused_with_the_known_ones() -> None:
    said = subprocess.run([sys.executable, str(SCRIPT), "etcd", "kubecolor"], capture_output=True, text=True)

    assert 1 == said.returncode
    assert said.stderr.startswith("kubecolor asked for, known: coredns etcd helm ")


@pytest.mark.parametrize(
    ("version", "expected"),
    [("1.26.8", (1, 26, 8)), ("1.27rc1", (1, 27)), ("1.25.0 X:nodwarf5", (1, 25, 0)), ("1.26-devel", (1, 26))],
)
def test_versions_of_go_compare_as_numbers(version: str, expected: tuple[int, ...]) -> None:
    assert expected == numbers(version)
