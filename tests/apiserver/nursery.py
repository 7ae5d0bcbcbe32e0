"""Starts operators fast: a process that has imported everything forks one for each line it is told.

A start by the command costs a second of imports on one core, and a test that kills the operator after each of its
writes needs a hundred of them. What is forked runs the same `python -m clockifyrag_operator`, in a session of its own.

    stdin   {"module": "clockifyrag_operator", "environment": {…}, "log": "/…/operator.log"}
    stdout  {"pid": 12}   and later   {"pid": 12, "code": -9}
"""

from __future__ import annotations

import gc
import importlib
import json
import os
import pkgutil
import runpy
import selectors
import signal
import sys
import traceback
from pathlib import Path
from typing import Any, NoReturn

PACKAGE = "clockifyrag_operator"


def main() -> None:
    """Serves until stdin ends, then ends every operator it started."""
    for module in pkgutil.walk_packages(importlib.import_module(PACKAGE).__path__, f"{PACKAGE}."):
        if not module.name.endswith("__main__"):
            importlib.import_module(module.name)
    importlib.import_module(f"{PACKAGE}.discovery").own_schemas()  # which no spec changes
    gc.collect()
    gc.freeze()  # what was imported stays: no child looks through it, or copies its pages, to collect garbage
    woken, wakes = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
    signal.signal(signal.SIGCHLD, lambda *_: os.write(wakes, b"."))
    selector = selectors.DefaultSelector()
    selector.register(woken, selectors.EVENT_READ)
    orders = os.fdopen(0, "rb", buffering=0)  # unbuffered: the selector sees what was not read
    selector.register(orders, selectors.EVENT_READ)
    children: set[int] = set()
    tell({"ready": True})
    while True:
        for key, _ in selector.select():
            if key.fd == woken:
                os.read(woken, 4096)
                reap(children)
                continue
            line = orders.readline()
            if not line:
                for pid in children:
                    os.kill(pid, signal.SIGKILL)
                return
            children.add(started(json.loads(line)))


def reap(children: set[int]) -> None:
    """Tells of those that ended."""
    for pid in list(children):
        ended, status = os.waitpid(pid, os.WNOHANG)
        if ended:
            children.discard(pid)
            tell({"pid": pid, "code": os.waitstatus_to_exitcode(status)})


def started(order: dict[str, Any]) -> int:
    pid = os.fork()
    if pid == 0:
        run(order)
    tell({"pid": pid})
    return pid


def run(order: dict[str, Any]) -> NoReturn:
    """In the child: becomes the operator."""
    code = 1
    try:
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        os.setsid()
        log = os.open(order["log"], os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        nothing = os.open(os.devnull, os.O_RDONLY)
        for source, target in ((nothing, 0), (log, 1), (log, 2)):
            os.dup2(source, target)
        os.environ.clear()
        os.environ.update(order["environment"])
        os.chdir(Path(order["log"]).parent)
        sys.argv = [order["module"]]
        runpy.run_module(order["module"], run_name="__main__", alter_sys=True)
        code = 0
    except SystemExit as exit:
        code = exit.code if isinstance(exit.code, int) else int(exit.code is not None)
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def tell(value: dict[str, Any]) -> None:
    os.write(1, json.dumps(value).encode() + b"\n")


if __name__ == "__main__":
    main()
