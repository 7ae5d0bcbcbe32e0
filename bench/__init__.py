"""Benchmarks: each figure is a ratio of two sides measured in one run. `python -m bench`; see README.md."""
