"""A real Kubernetes of one node on this machine, without Docker, registry or systemd: see README.md.

python -m tools.cluster up | down | status | env
"""
