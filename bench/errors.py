"""Errors of a measurement: BenchFailed ├ WrongResult └ MachineBusy."""


class BenchFailed(Exception):
    """A figure could not be measured."""


class WrongResult(BenchFailed):
    """A side answered something else than it should: its speed says nothing."""


class MachineBusy(BenchFailed):
    """Other work runs on this machine."""


def check(holds: bool, what: str) -> None:
    """WrongResult when it does not hold."""
    if not holds:
        raise WrongResult(what)
