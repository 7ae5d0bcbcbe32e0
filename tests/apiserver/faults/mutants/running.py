"""Runs the operator in this process, after a mutant changed it."""

import runpy


def run() -> None:
    runpy.run_module("clockifyrag_operator", run_name="__main__", alter_sys=True)
