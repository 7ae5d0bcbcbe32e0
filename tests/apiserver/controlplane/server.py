"""One server process: started, frozen, killed and started again on its own port; it never outlives the tests."""

from __future__ import annotations

import ctypes
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

START_SECONDS = 60.0
POLL_SECONDS = 0.02
LOG_TAIL_BYTES = 3000
PR_SET_PDEATHSIG = 1
# Several share the cores with operators and tests: with one thread that runs Go code none of them looks for work that
# another thread of its own could have (7 % of the processor time); garbage may be thrice what is in use before it is
# collected (10 %, for 200 MB).
GO = {"GOMAXPROCS": "1", "GOGC": "300"}

# The kernel ends a child when the *thread* that started it ends, so all children are those of one that stays.
_STARTER = ThreadPoolExecutor(1, "starts-servers")
_PRCTL = ctypes.CDLL(None).prctl if sys.platform == "linux" else None


class Server:
    """A program with arguments, its log in a file. `ready()` is asked until it holds."""

    def __init__(self, command: Sequence[str | Path], log: Path, ready: Callable[[], bool]) -> None:
        self.name = Path(command[0]).name
        self.log = log
        self._command = [str(part) for part in command]
        self._ready = ready
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        assert self._process is not None, f"{self.name} does not run"
        return self._process.pid

    @property
    def runs(self) -> bool:
        return self._process is not None

    def start(self) -> None:
        """Returns once it is ready."""
        assert self._process is None, f"{self.name} runs already, as process {self.pid}"
        self._process = _STARTER.submit(self._spawn).result()
        self.wait_ready()

    def wait_ready(self, seconds: float = START_SECONDS) -> None:
        """Returns once it is ready; an error carries the end of its log."""
        assert self._process is not None, f"{self.name} does not run"
        deadline = time.monotonic() + seconds
        while not self._ready():
            if self._process.poll() is not None:
                raise RuntimeError(f"{self.name} ended with code {self._process.returncode}. {self._log_tail()}")
            if time.monotonic() > deadline:
                raise TimeoutError(f"{self.name} is not ready after {seconds:.0f} s. {self._log_tail()}")
            time.sleep(POLL_SECONDS)

    def stop(self) -> None:
        """Kills it as a power cut would, and returns when it is gone; nothing where it does not run."""
        if self._process is not None:
            self._process.kill()  # ends a frozen one, too
            self._process.wait()
            self._process = None

    def freeze(self) -> None:
        """Lets it hang: connections are accepted by the kernel, and nothing is answered."""
        os.kill(self.pid, signal.SIGSTOP)

    def thaw(self) -> None:
        os.kill(self.pid, signal.SIGCONT)

    def memory_bytes(self) -> int:
        """Resident memory."""
        pages = int(Path(f"/proc/{self.pid}/statm").read_text().split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE")

    def _spawn(self) -> subprocess.Popen[bytes]:
        parent = os.getpid()

        def end_with_the_tests() -> None:
            if _PRCTL is not None:
                _PRCTL(PR_SET_PDEATHSIG, signal.SIGKILL)
                if os.getppid() != parent:  # it ended before the line above
                    os._exit(1)

        with self.log.open("ab") as log:
            return subprocess.Popen(
                self._command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                preexec_fn=end_with_the_tests,
                env={**os.environ, **GO},
                start_new_session=True,  # Ctrl-C is for the tests; they end it
            )

    def _log_tail(self) -> str:
        return f"The end of {self.log}:\n{self.log.read_bytes()[-LOG_TAIL_BYTES:].decode(errors='replace')}"


def reserved_port() -> socket.socket:
    """A socket that keeps a free port of 127.0.0.1 ours while a server that shares ports comes and goes on it.

    It never listens, so a connection is refused while the server is down.
    """
    reserved = socket.socket()
    reserved.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    reserved.bind(("127.0.0.1", 0))
    return reserved
