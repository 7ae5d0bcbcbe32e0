"""A real Kubernetes of one node, or two, on this machine, without Docker, registry or systemd: see README.md.

python -m tools.cluster up | down | join | leave | status | env
"""
