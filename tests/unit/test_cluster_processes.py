"""Which process is still the one that was started, what gates say, and what is found to be cleaned up."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from tools.cluster.gates import Gate, GateClosed, not_true, pass_through
from tools.cluster.inside import in_namespace
from tools.cluster.kubectl import Refused
from tools.cluster.machine import mounts_below
from tools.cluster.node import Cluster
from tools.cluster.record import Process, Record, read_stat, send

WAITING = [sys.executable, "-c", "import sys; sys.stdin.read()"]


def test_a_recorded_process_is_found_again_by_another_run(tmp_path: Path) -> None:
    record = Record(tmp_path / "record.json", kernel={"kernel/panic": "1\n"}, made=["/run/containerd"])
    record.started("this", os.getpid())

    found = Record.read(record.file)

    assert record == found
    assert found.runs("this")
    assert os.getpid() == found.pid("this")


def test_another_process_under_a_recycled_number_is_never_killed() -> None:
    with subprocess.Popen(WAITING, stdin=subprocess.PIPE) as other:
        stat = read_stat(other.pid)
        assert stat is not None
        recorded = Process(other.pid, stat[0] - 1)

        send(recorded, signal.SIGKILL)

        assert not recorded.runs
        assert Process(other.pid, stat[0]).runs
        assert other.stdin is not None
        other.stdin.close()
        assert 0 == other.wait()


def test_a_process_that_ended_and_was_not_asked_for_runs_no_more(tmp_path: Path) -> None:
    record = Record(tmp_path / "record.json")
    with subprocess.Popen(WAITING, stdin=subprocess.PIPE) as process:
        record.started("kubelet", process.pid)

        send(record.processes["kubelet"], signal.SIGKILL)

        os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)  # a zombie: nobody has read its end
        assert not record.runs("kubelet")
    send(record.processes["kubelet"], signal.SIGKILL)  # nobody has the number


def test_without_a_cluster_nothing_is_entered(tmp_path: Path) -> None:
    with pytest.raises(ProcessLookupError, match="make cluster-up"):
        in_namespace(["true"], Cluster(tmp_path))


def test_an_open_gate_prints_its_name_and_seconds(capsys: pytest.CaptureFixture[str]) -> None:
    answers = iter(["not yet", ""])

    pass_through(Gate("etcd is healthy", lambda: next(answers)))

    assert capsys.readouterr().out.startswith("  etcd is healthy   ")


def test_a_gate_that_stays_closed_says_what_is_missing() -> None:
    with pytest.raises(GateClosed, match=r"^names: not within 0 s\. no pod runs$"):
        pass_through(Gate("names", lambda: "no pod runs", seconds=0))


def test_a_refusal_is_what_is_missing() -> None:
    def refused() -> str:
        raise Refused("kubectl get: connection refused")

    with pytest.raises(GateClosed, match="connection refused"):
        pass_through(Gate("ready", refused, seconds=0))


def test_a_gate_is_not_waited_for_when_its_daemon_has_ended() -> None:
    def look_after() -> None:
        raise GateClosed("etcd has ended. Its log")

    with pytest.raises(GateClosed, match=r"etcd has ended\. Its log"):
        pass_through(Gate("etcd is healthy", lambda: "no answer", seconds=60), look_after)


@pytest.mark.parametrize(
    ("conditions", "expected"),
    [
        ([], "Node node1 has no condition Ready yet"),
        ([{"type": "Ready", "status": "False", "message": "no CNI"}], "Node node1: Ready is False, no CNI"),
        ([{"type": "Ready", "status": "True"}], ""),
    ],
)
def test_a_condition_is_told_in_words(conditions: list[dict[str, str]], expected: str) -> None:
    node = {"kind": "Node", "metadata": {"name": "node1"}, "status": {"conditions": conditions}}

    assert expected == not_true(node, "Ready")


def test_mounts_in_a_folder_are_found_and_those_beside_it_are_not() -> None:
    mountinfo = "\n".join(
        f"36 35 98:0 / {point} rw,noatime master:1 - ext4 /dev/root rw"
        for point in ("/", "/c/node1", "/c/node1/a\\040b", "/c/node10")
    )

    assert ["/c/node1", "/c/node1/a b"] == mounts_below(Path("/c/node1"), mountinfo)
