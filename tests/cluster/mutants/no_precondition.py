"""Deletes what it saw a while ago, whatever is there now: the mutant of the fault tests, made slow."""

from tests.apiserver.faults.mutants import no_precondition
from tests.apiserver.faults.mutants.running import run
from tests.cluster.mutants import slow_deletions

if __name__ == "__main__":
    no_precondition.mutate()
    slow_deletions.mutate()
    run()
