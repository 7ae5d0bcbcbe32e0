"""What a pod has mounted changes under it: pointer, keys and certificate are taken over without a restart."""

import hashlib
import socket
import ssl
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest
import trustme
from tests.server.conftest import ARTICLES, NEW_ARTICLE, Publish, Serve, Server, until
from tests.server.mounted import Mounted

NOTICED_SECONDS = 1.5  # a look each half second, and a small index to open


@pytest.fixture
def mounted(tmp_path: Path) -> Mounted:
    return Mounted(tmp_path / "mounted")


def key_line(key: str) -> str:
    return f"{key.split('_')[1]} {hashlib.sha256(key.encode()).hexdigest()} search\n"


def pair(authority: trustme.CA, **arguments: object) -> dict[str, bytes]:
    """The keys of a Secret of type kubernetes.io/tls, issued for this machine."""
    issued = authority.issue_cert("localhost", "127.0.0.1", **arguments)  # type: ignore[arg-type]
    return {"tls.crt": issued.cert_chain_pems[0].bytes(), "tls.key": issued.private_key_pem.bytes()}


def presented(server: Server, name: str | None = "localhost") -> bytes:
    """The certificate that a new connection is shown; without a name none is told to the server."""
    trust = ssl.create_default_context()
    trust.check_hostname, trust.verify_mode = False, ssl.CERT_NONE
    port = int(server.url.rpartition(":")[2])
    with (
        socket.create_connection(("127.0.0.1", port), timeout=10) as connection,
        trust.wrap_socket(connection, server_hostname=name) as tls,
    ):
        shown = tls.getpeercert(binary_form=True)
        assert shown is not None
        return shown


def issued_in(files: dict[str, bytes]) -> bytes:
    return ssl.PEM_cert_to_DER_cert(files["tls.crt"].decode())


def test_a_new_pointer_in_a_mounted_config_map_is_noticed_within_a_second_or_so(
    serve: Serve, publish: Publish, mounted: Mounted, tmp_path: Path
) -> None:
    root = tmp_path / "index"
    first, second = publish(root), publish(root, (*ARTICLES, NEW_ARTICLE))
    mounted.write({"current": first})
    server = serve(root, GENERATION_FILE=mounted.folder / "current", POLL_SECONDS=0.5)

    mounted.write({"current": second + "\n"})

    until(
        lambda: server.get("/status").json()["generation"] == second,
        "the new one is served",
        server.explain,
        NOTICED_SECONDS,
    )


def test_a_key_taken_from_a_mounted_secret_is_refused_and_a_new_one_admitted(
    serve: Serve, index_root: Path, mounted: Mounted
) -> None:
    old, new = "crag_old_secret-of-the-old-key", "crag_new_secret-of-the-new-key"
    mounted.write({"clockifyrag-api-keys": key_line(old)})
    server = serve(index_root, API_KEYS_FILE=mounted.folder / "clockifyrag-api-keys")

    def codes() -> tuple[int, int]:
        first, second = (server.get("/search?q=timer", headers={"X-API-Key": key}) for key in (old, new))
        return first.status_code, second.status_code

    before = codes()
    mounted.write({"clockifyrag-api-keys": key_line(new)})
    until(lambda: codes() == (401, 200), "the new keys are in use", server.explain)

    assert (200, 401) == before


@pytest.mark.parametrize("name", ["localhost", None])
def test_a_new_certificate_is_shown_to_new_connections_while_open_ones_go_on(
    serve: Serve, index_root: Path, mounted: Mounted, name: str | None
) -> None:
    authority = trustme.CA()
    first, second = pair(authority), pair(authority)
    mounted.write(first)
    server = serve(index_root, **tls_settings(mounted))
    before = presented(server, name)
    open_before = server.get("/live")  # the client keeps this connection

    mounted.write(second)
    until(lambda: presented(server, name) == issued_in(second), "the new certificate is shown", server.explain)

    assert issued_in(first) == before
    assert (200, 200) == (open_before.status_code, server.get("/live").status_code)
    assert trusted(server, authority)


def test_a_certificate_of_another_key_type_takes_the_place_of_the_old_one(
    serve: Serve, index_root: Path, mounted: Mounted
) -> None:
    authority = trustme.CA()
    rsa, ecdsa = pair(authority, key_type=trustme.KeyType.RSA), pair(authority, key_type=trustme.KeyType.ECDSA)
    mounted.write(rsa)
    server = serve(index_root, **tls_settings(mounted))
    before = presented(server)

    mounted.write(ecdsa)
    until(lambda: presented(server) == issued_in(ecdsa), "the new certificate is shown", server.explain)
    mounted.write(rsa)
    until(lambda: presented(server) == issued_in(rsa), "and the first one again", server.explain)

    assert issued_in(rsa) == before


@pytest.mark.parametrize(
    "broken",
    [
        pytest.param(lambda good, other: {**good, "tls.key": other["tls.key"]}, id="another-key"),
        pytest.param(lambda good, other: {**good, "tls.crt": b"no certificate"}, id="no-certificate"),
        pytest.param(lambda good, other: {"tls.crt": good["tls.crt"]}, id="no-key"),
    ],
)
def test_files_that_are_no_pair_leave_the_last_certificate_in_use_and_are_told(
    serve: Serve,
    index_root: Path,
    mounted: Mounted,
    broken: Callable[[dict[str, bytes], dict[str, bytes]], dict[str, bytes]],
) -> None:
    authority = trustme.CA()
    first, second = pair(authority), pair(authority)
    mounted.write(first)
    server = serve(index_root, **tls_settings(mounted))

    mounted.write(broken(second, first))
    until(lambda: server.get("/health").json()["degraded"] == ["tls"], "the broken pair is told", server.explain)
    meanwhile = presented(server), trusted(server, authority)
    mounted.write(second)
    until(lambda: presented(server) == issued_in(second), "the mended pair is used", server.explain)

    assert (issued_in(first), True) == meanwhile
    assert [] == server.get("/health").json()["degraded"]


def tls_settings(mounted: Mounted) -> dict[str, Path]:
    return {"TLS_CERT_FILE": mounted.folder / "tls.crt", "TLS_KEY_FILE": mounted.folder / "tls.key"}


def trusted(server: Server, authority: trustme.CA) -> bool:
    """Whether a client that trusts the authority gets an answer."""
    trust = ssl.create_default_context()
    authority.configure_trust(trust)
    return httpx.get(f"{server.url}/ready", verify=trust, timeout=30).status_code == 200
