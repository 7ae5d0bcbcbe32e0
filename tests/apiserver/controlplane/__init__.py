"""A real kube-apiserver over a real etcd, for tests: `with ControlPlane() as control_plane: …`."""

from .api import Api, ApiError
from .audit import AuditEvent
from .control_plane import ControlPlane
from .users import User

__all__ = ["Api", "ApiError", "AuditEvent", "ControlPlane", "User"]
