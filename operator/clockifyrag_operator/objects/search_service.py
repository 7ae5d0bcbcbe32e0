"""How the search pods are reached: the Service clients use, one for metrics where that one leads outside, and one by
which they find each other.
"""

from __future__ import annotations

from typing import Any

from clockifyrag_operator import names
from clockifyrag_operator.manifest import manifest, spec_of
from clockifyrag_operator.observed import Manifest, Wanted

_OPS = {"name": "ops", "port": names.OPS_PORT, "targetPort": "ops", "protocol": "TCP"}


def api_port_name(wanted: Wanted) -> str:
    """What the port of the API is called: by the protocol it speaks."""
    return "https" if spec_of(wanted).search.tls else "http"


def search_service(wanted: Wanted) -> Manifest:
    """The Service clients use. Metrics are told there as well, unless it can be reached from outside of the cluster."""
    service = spec_of(wanted).search.service
    api = {"name": api_port_name(wanted), "port": service.port, "targetPort": "api", "protocol": "TCP"}
    ports = [api, _OPS] if _inside(wanted) else [api]
    return _service(wanted, names.search(wanted.name), type=service.type, ports=ports)


def ops_service(wanted: Wanted) -> Manifest | None:
    """The Service of metrics alone, where the one of the API leads outside; None where that one does for both."""
    if _inside(wanted):
        return None
    return _service(wanted, f"{names.search(wanted.name)}-ops", type="ClusterIP", ports=[_OPS])


def tell_siblings(wanted: Wanted) -> bool:
    """Whether a search pod that starts is told what is asked often: the ops port has no TLS, and who set it up for the
    API wants no question to be read on its way.
    """
    return spec_of(wanted).search.tls is None


def siblings_service(wanted: Wanted) -> Manifest | None:
    """The Service by which search pods find those that are ready: without an address, so that each is one of its own.

    It is the same however far the Service of the API leads, as pods know it by a setting. ServiceMonitors go by the
    names of ports, and pass over it.
    """
    if not tell_siblings(wanted):
        return None
    port = {**_OPS, "name": "siblings"}
    return _service(wanted, names.siblings(wanted.name), type="ClusterIP", clusterIP="None", ports=[port])


def _inside(wanted: Wanted) -> bool:
    service = spec_of(wanted).search.service
    return service.type == "ClusterIP" and service.port != names.OPS_PORT


def _service(wanted: Wanted, name: str, **spec: Any) -> Manifest:
    selector = names.selector(wanted.name, names.SEARCH)
    return manifest("v1", "Service", wanted, name, names.SEARCH, spec={**spec, "selector": selector})
