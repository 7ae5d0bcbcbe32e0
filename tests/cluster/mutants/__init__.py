"""Operators that are wrong on purpose: each breaks one promise, and the test of that promise must find it out.

A mutant runs on this machine, as an administrator, while the operator of the cluster has no replicas: the resource is
then made and kept by the mutant alone.
"""
