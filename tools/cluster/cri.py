"""The Container Runtime Interface of a node, asked as its kubelet asks it: gRPC over containerd's socket, by curl.

There is no crictl here. One question needs no library: a message is a frame of 5 bytes and protobuf
(github.com/grpc/grpc, doc/PROTOCOL-HTTP2.md; k8s.io/cri-api, pkg/apis/runtime/v1/api.proto).
"""

from __future__ import annotations

import subprocess

from tools.cluster.inside import HOLDER, entering
from tools.cluster.node import Node
from tools.cluster.record import Record

FRAME_BYTES = 5  # whether it is compressed, and its length
STATUS = "http://containerd/runtime.v1.ImageService/ImageStatus"
HEADERS = ("content-type: application/grpc", "te: trailers")
SECONDS = 10


def has_image(node: Node, record: Record, reference: str) -> bool:
    """Whether the kubelet finds the image by that name, and pulls nothing.

    containerd tells its CRI plugin of names by events: it knows one a moment after `ctr images list` shows it.
    RuntimeError with curl's words where containerd does not answer.
    """
    command = entering(record.pid(node.daemon_name(HOLDER)), image_status(node), "--mount")
    done = subprocess.run(command, input=framed(request(reference)), capture_output=True)
    if done.returncode:
        raise RuntimeError(f"the CRI of {node.name} did not answer on {node.socket}: {done.stderr.decode().strip()}")
    return is_found(done.stdout)


def image_status(node: Node) -> list[str]:
    """The command that sends its input as a request, and writes the answer."""
    headers = [part for header in HEADERS for part in ("--header", header)]
    socket = ["--unix-socket", str(node.socket), "--http2-prior-knowledge"]
    shown = ["--silent", "--show-error", "--fail", "--max-time", str(SECONDS)]
    return ["curl", *shown, *socket, *headers, "--data-binary", "@-", STATUS]


def request(reference: str) -> bytes:
    """ImageStatusRequest: its first field is an ImageSpec, whose first field is the name."""
    return first_field(first_field(reference.encode()))


def is_found(answer: bytes) -> bool:
    """Whether an ImageStatusResponse holds an image: all others of its fields are filled in for those who ask for more.

    Of an error there is no message at all.
    """
    return len(answer) > FRAME_BYTES


def first_field(content: bytes) -> bytes:
    """A message whose field 1 is this text or message (protobuf.dev/programming-guides/encoding)."""
    return b"\x0a" + varint(len(content)) + content


def varint(number: int) -> bytes:
    """Seven bits a byte, the lowest first; the highest bit says that more follow.

    >>> varint(1), varint(300)
    (b'\\x01', b'\\xac\\x02')
    """
    low, more = number & 0x7F, number >> 7
    return bytes([low | 0x80]) + varint(more) if more else bytes([low])


def framed(message: bytes) -> bytes:
    return b"\0" + len(message).to_bytes(4, "big") + message
