"""deploy/nginx.conf in a real nginx, in front of real instances of the service."""

import os
import re
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest
import trustme
from tests.ports import free_port

pytestmark = pytest.mark.programs

ROOT = Path(__file__).resolve().parents[2]
CONF = ROOT / "deploy" / "nginx.conf"
DEADLINE_SECONDS = 60.0
QUESTION = {"q": "track time"}
PER_MINUTE = 1000
LEFT = "X-RateLimit-Remaining"

# What stands around a file of conf.d in Debian's nginx.conf, with every path in a folder of our own.
AROUND = """
daemon off;
{user}
worker_processes 1;
pid {folder}/nginx.pid;
error_log {folder}/error.log;
events {{ worker_connections 256; }}
http {{
    access_log off;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    include {folder}/clockifyrag.conf;
}}
"""


def nginx(*arguments: str) -> list[str]:
    """The command; Debian keeps nginx where only root's PATH looks."""
    program = shutil.which("nginx", path=f"{os.environ['PATH']}:/usr/sbin:/sbin")
    assert program, "nginx is not on PATH. Type: apt-get install nginx-light"
    return [program, *arguments]


def until(holds: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + DEADLINE_SECONDS
    while not holds():
        assert time.monotonic() < deadline, f"not within {DEADLINE_SECONDS} s: {what}"
        time.sleep(0.02)


def answers(url: str) -> bool:
    try:
        return httpx.get(url).is_success
    except httpx.TransportError:
        return False


def written(
    folder: Path, port: int, instances: tuple[int, int], changed: Callable[[str], str] = lambda text: text
) -> Path:
    """nginx.conf around deploy/nginx.conf, its ports replaced by free ones."""
    text = changed(CONF.read_text()).replace("listen 80;", f"listen 127.0.0.1:{port};")
    for example, instance in zip(("127.0.0.1:8000", "127.0.0.1:8001"), instances, strict=True):
        assert example in text
        text = text.replace(example, f"127.0.0.1:{instance}")
    (folder / "clockifyrag.conf").write_text(text)
    user = "user root;" if os.geteuid() == 0 else ""
    (folder / "nginx.conf").write_text(AROUND.format(folder=folder, user=user))
    return folder / "nginx.conf"


@pytest.fixture(scope="module")
def index_root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The sample, built by the command line with the fast model."""
    root = tmp_path_factory.mktemp("index")
    command = ["index", "build", "--source", "sample", "--model", "wordllama", "--out", str(root)]
    subprocess.run([sys.executable, "-m", "clockifyrag_cli", *command], check=True, stdout=subprocess.DEVNULL)
    return root


class Fleet:
    """Instances of the service on free ports, and nginx in front of them once `url` is asked for."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.instances: list[subprocess.Popen[str]] = []
        self.ports: list[int] = []
        self.front: subprocess.Popen[bytes] | None = None
        self.url = ""

    def instance(self, root: Path, **settings: str) -> None:
        """Starts one and learns its port; it may be un-ready still."""
        variables = {"INDEX_ROOT": str(root), "API_PORT": "0", "TRUSTED_PROXIES": "127.0.0.1", **settings}
        process = subprocess.Popen(
            [sys.executable, "-m", "clockifyrag_service"],
            env={"PATH": os.environ["PATH"], **variables}, cwd=self.folder,
            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
        )  # fmt: skip
        assert process.stdout is not None
        self.instances.append(process)
        self.ports.append(int(process.stdout.readline().strip().rpartition(":")[2]))

    def wait_ready(self, number: int) -> None:
        until(lambda: answers(f"http://127.0.0.1:{self.ports[number]}/ready"), f"instance {number} is ready")

    def put_nginx_in_front(self, changed: Callable[[str], str] = lambda text: text) -> None:
        port = free_port()
        conf = written(self.folder, port, (self.ports[0], self.ports[1]), changed)
        self.front = subprocess.Popen(nginx("-p", str(self.folder), "-c", str(conf)), stderr=subprocess.DEVNULL)
        self.url = f"http://127.0.0.1:{port}"
        until(lambda: answers(self.url + "/live"), "nginx answers")

    def stop(self) -> None:
        if self.front:
            self.front.terminate()
            self.front.wait(DEADLINE_SECONDS)
        for process in self.instances:
            process.terminate()
        for process in self.instances:
            process.wait(DEADLINE_SECONDS)
            assert process.stdout is not None
            process.stdout.close()


@pytest.fixture
def fleet(tmp_path: Path) -> Iterator[Fleet]:
    one = Fleet(tmp_path)
    yield one
    one.stop()


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory, index_root: Path) -> Iterator[Fleet]:
    """Two ready instances with a rate limit, and nginx; for tests that only ask."""
    one = Fleet(tmp_path_factory.mktemp("pair"))
    for number in (0, 1):
        one.instance(index_root, RATE_LIMIT_PER_MINUTE=str(PER_MINUTE))
        one.wait_ready(number)
    one.put_nginx_in_front()
    yield one
    one.stop()


class Asking:
    """Asks the same question over and over in threads of its own, by new connections now and then."""

    def __init__(self, url: str, threads: int = 4) -> None:
        self.url = url
        self.statuses: list[int | str] = []
        self._stop = threading.Event()
        self._threads = [threading.Thread(target=self._ask) for _ in range(threads)]
        for thread in self._threads:
            thread.start()

    def _ask(self) -> None:
        while not self._stop.is_set():
            with httpx.Client(timeout=DEADLINE_SECONDS) as client:
                for _ in range(20):
                    try:
                        self.statuses.append(client.get(self.url + "/search", params=QUESTION).status_code)
                    except httpx.TransportError as error:
                        self.statuses.append(repr(error))

    def wait_for(self, more: int) -> None:
        wanted = len(self.statuses) + more
        until(lambda: len(self.statuses) >= wanted, f"{more} more answers")

    def stop(self) -> list[int | str]:
        self._stop.set()
        for thread in self._threads:
            thread.join()
        return self.statuses


def test_nginx_accepts_the_example(tmp_path):
    conf = written(tmp_path, free_port(), (free_port(), free_port()))

    tested = subprocess.run(nginx("-t", "-p", str(tmp_path), "-c", str(conf)), capture_output=True, text=True)

    assert 0 == tested.returncode, tested.stderr
    assert not re.search(r"\[(warn|emerg|alert)\]", tested.stderr), tested.stderr


def test_nginx_accepts_the_example_with_tls(tmp_path):
    certificate = trustme.CA().issue_cert("localhost")
    certificate.private_key_and_cert_chain_pem.write_to_path(tmp_path / "tls.pem")
    conf = written(tmp_path, free_port(), (free_port(), free_port()))
    site = tmp_path / "clockifyrag.conf"
    text = re.sub(r"# (listen 443|ssl_)", r"\1", site.read_text())
    site.write_text(re.sub(r"/etc/ssl/clockifyrag/tls\.(crt|key)", str(tmp_path / "tls.pem"), text))

    tested = subprocess.run(nginx("-t", "-p", str(tmp_path), "-c", str(conf)), capture_output=True, text=True)

    assert 0 == tested.returncode, tested.stderr
    assert "listen 443 ssl;" in site.read_text()


@pytest.mark.parametrize(
    ("ending", "cut_max"),
    [
        # One process sends one answer at a time. The one whose head nginx has passed on already is lost with it.
        pytest.param(signal.SIGKILL, 1, id="killed"),
        pytest.param(signal.SIGTERM, 0, id="stopped"),
    ],
)
def test_when_an_instance_ends_no_request_fails_but_one_that_is_half_answered(fleet, index_root, ending, cut_max):
    for number in (0, 1):
        fleet.instance(index_root)
        fleet.wait_ready(number)
    fleet.put_nginx_in_front()
    asking = Asking(fleet.url)

    asking.wait_for(200)
    fleet.instances[0].send_signal(ending)
    asking.wait_for(400)
    statuses = asking.stop()

    failed = [one for one in statuses if one != 200]
    assert [] == [one for one in failed if "peer closed connection" not in str(one)]
    assert len(failed) <= cut_max


def test_an_instance_without_an_index_is_passed_over(fleet, index_root, tmp_path):
    fleet.instance(tmp_path / "nothing")
    fleet.instance(index_root)
    fleet.wait_ready(1)
    fleet.put_nginx_in_front()

    statuses = [httpx.get(fleet.url + "/search", params=QUESTION).status_code for _ in range(20)]

    assert [200] * 20 == statuses


def test_a_get_whose_instance_hangs_is_answered_by_the_next_one(fleet, tmp_path):
    for _ in range(2):
        fleet.instance(tmp_path / "nothing")
    fleet.put_nginx_in_front(a_tenth)

    fleet.instances[0].send_signal(signal.SIGSTOP)
    try:
        answered = [httpx.get(fleet.url + "/live", timeout=DEADLINE_SECONDS) for _ in range(2)]
    finally:
        fleet.instances[0].send_signal(signal.SIGCONT)

    assert [200, 200] == [answer.status_code for answer in answered]
    assert max(answer.elapsed.total_seconds() for answer in answered) > 6  # one of them asked the instance that hangs


def a_tenth(text: str) -> str:
    """nginx.conf with a tenth of the time it waits for an answer, and for another."""
    shorter, times = re.subn(r"(proxy_(?:read|next_upstream)_timeout) (\d+)s;", r"\1 \g<2>00ms;", text)
    assert 2 == times
    return shorter


def test_the_service_learns_the_request_id_and_the_client_behind_nginx(pair):
    named = httpx.get(pair.url + "/search", params=QUESTION, headers={"X-Request-ID": "trace-1"})
    unnamed = httpx.get(pair.url + "/search", params=QUESTION)
    left = {
        client: min(
            int(httpx.get(pair.url + "/search", params=QUESTION, headers={"X-Forwarded-For": client}).headers[LEFT])
            for _ in range(6)
        )
        for client in ("203.0.113.1", "203.0.113.2")
    }

    assert "trace-1" == named.headers["X-Request-ID"]
    assert re.fullmatch("[0-9a-f]{32}", unnamed.headers["X-Request-ID"])
    assert all(PER_MINUTE - 6 <= one < PER_MINUTE for one in left.values()), left  # a count of its own for each


@pytest.mark.parametrize("path", [pytest.param("/metrics", id="metrics"), pytest.param("/status", id="status")])
def test_what_is_of_one_instance_is_not_told_to_the_public(pair, path):
    by_nginx = httpx.get(pair.url + path)
    by_an_instance = httpx.get(f"http://127.0.0.1:{pair.ports[0]}{path}")

    assert (404, 200) == (by_nginx.status_code, by_an_instance.status_code)
