"""The files by which a node's daemons are configured, and what the cluster's images and manifests are made of."""

import json
import tarfile
import tomllib
from pathlib import Path

import pytest
import yaml
from tools.cluster import addons, configs
from tools.cluster.images import Image, write_archive
from tools.cluster.kubectl import MANIFESTS, filled
from tools.cluster.node import Cluster, Node
from tools.cluster.pki import Certificates, kubeconfig_of, write_certificates


@pytest.fixture
def node(tmp_path: Path) -> Node:
    return Node("node1", 1, tmp_path / "node1")


def test_two_nodes_share_no_address(tmp_path: Path) -> None:
    first, second = (Node(f"node{number}", number, tmp_path) for number in (1, 2))

    assert ("10.210.0.1", "10.210.0.2") == (first.address, second.address)
    assert ("10.244.1.0/24", "10.244.2.0/24") == (first.pods, second.pods)
    assert first.link != second.link


def test_a_folder_too_deep_for_a_socket_is_refused_before_containerd_starts(tmp_path: Path) -> None:
    node = Node("node1", 1, tmp_path / ("deep" * 30))

    with pytest.raises(ValueError, match="name a shorter folder in CLOCKIFYRAG_CACHE"):
        _ = node.socket


def test_containerd_keeps_all_its_state_in_the_folder_of_the_node(node: Node) -> None:
    config = tomllib.loads(configs.containerd(node, Path("/usr/lib/cni"), "localhost/pause:1"))

    cri = config["plugins"]["io.containerd.grpc.v1.cri"]
    places = (config["root"], config["state"], config["grpc"]["address"], cri["cni"]["conf_dir"])
    assert all(Path(place).is_relative_to(node.folder) for place in places)
    assert "localhost/pause:1" == cri["sandbox_image"]
    assert cri["restrict_oom_score_adj"]


def test_pods_get_addresses_of_their_node(node: Node) -> None:
    config = json.loads(configs.pod_network(node))

    bridge, portmap = config["plugins"]
    assert [[{"subnet": node.pods}]] == bridge["ipam"]["ranges"]
    assert ("bridge", "portmap") == (bridge["type"], portmap["type"])


def test_kubelet_runs_on_both_kinds_of_cgroups_and_restarts_crashed_containers_soon(node: Node) -> None:
    config = yaml.safe_load(configs.kubelet(node, Path("ca"), Path("crt"), Path("key")))

    assert (False, "cgroupfs", "/clockifyrag-node1") == tuple(
        config[key] for key in ("failCgroupV1", "cgroupDriver", "cgroupRoot")
    )
    assert {"maxContainerRestartPeriod": "10s"} == config["crashLoopBackOff"]


def test_kube_proxy_leaves_the_connection_tracking_of_the_machine(node: Node) -> None:
    config = yaml.safe_load(configs.kube_proxy(node, Path("kubeconfig")))

    assert {"maxPerCore": 0, "min": 0, "tcpEstablishedTimeout": "0s", "tcpCloseWaitTimeout": "0s"} == config[
        "conntrack"
    ]


def test_a_file_that_says_it_already_is_not_written_again(tmp_path: Path) -> None:
    file = tmp_path / "config"
    configs.write(file, "same")
    file.chmod(0o400)
    before = file.stat().st_mtime_ns

    configs.write(file, "same")

    assert before == file.stat().st_mtime_ns


def test_every_user_has_a_kubeconfig_that_needs_no_other_file_and_that_only_its_owner_reads(tmp_path: Path) -> None:
    cluster = Cluster(tmp_path)

    made = write_certificates(cluster)

    for user in ("admin", "system:kube-scheduler", "system:kube-controller-manager", "system:kube-proxy"):
        file = kubeconfig_of(cluster, user)
        config = yaml.safe_load(file.read_text())
        assert {"client-certificate-data", "client-key-data"} == config["users"][0]["user"].keys()
        assert 0o600 == file.stat().st_mode & 0o777
    assert Certificates(cluster.certificates) == made
    assert all(file.exists() for file in (made.authority.key, made.tokens.key, made.pair("node1").key))


def test_certificates_are_made_once(tmp_path: Path) -> None:
    cluster = Cluster(tmp_path)
    write_certificates(cluster)
    before = cluster.kubeconfig.read_text()

    write_certificates(cluster)

    assert before == cluster.kubeconfig.read_text()


def test_an_archive_is_read_back_as_the_image_it_was_made_of(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("CLOCKIFYRAG_CACHE", str(tmp_path / "cache"))
    program = tmp_path / "program"
    program.write_text("#!/bin/sh")
    image = Image("small", {"bin/program": program}, ("/bin/program",), links={"bin/other": "program"})

    write_archive(image)

    with tarfile.open(image.archive) as archive:
        (manifest,) = json.load(archive.extractfile("manifest.json"))  # type: ignore[arg-type]
        config = json.load(archive.extractfile(manifest["Config"]))  # type: ignore[arg-type]
        with tarfile.open(fileobj=archive.extractfile(manifest["Layers"][0])) as layer:
            assert ["tmp", "bin/program", "bin/other"] == layer.getnames()
            assert 0o755 == layer.getmember("bin/program").mode
    assert [image.reference] == manifest["RepoTags"]
    assert ["/bin/program"] == config["config"]["Entrypoint"]


def test_another_content_is_another_tag(tmp_path: Path) -> None:
    program = tmp_path / "program"
    program.write_text("first")
    first = Image("small", {"bin/program": program}).tag
    program.write_text("second")

    assert first != Image("small", {"bin/program": program}).tag


@pytest.mark.parametrize("name", addons.ADDONS)
def test_manifests_are_filled_and_every_object_has_a_name(node: Node, name: str) -> None:
    images = ("busybox", "coredns", "local-path-provisioner", "metrics-server", "prometheus", "prometheus-operator",
              "prometheus-config-reloader")  # fmt: skip
    values = addons.values(node, {image: Image(image, {}) for image in images})

    objects = list(yaml.safe_load_all(filled(name, values)))

    assert all(thing["metadata"]["name"] for thing in objects)
    assert {"system", "probes", *addons.ADDONS} == {file.stem for file in MANIFESTS.glob("*.yaml")}


def test_the_release_of_prometheus_is_read_from_its_module_version() -> None:
    assert "v3.6.0" == addons.release("v0.306.0")
