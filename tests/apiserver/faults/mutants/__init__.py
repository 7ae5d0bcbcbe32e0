"""Operators that are broken on purpose, one fault each: the test of a promise must go red on the one that breaks it.

`python -m tests.apiserver.faults.mutants.no_precondition` is the operator with that fault; nothing of this is in it.
"""
