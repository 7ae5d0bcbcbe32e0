"""Access to the API server, from a kubeconfig or a pod's service account."""

import base64
from pathlib import Path
from typing import Any

import pytest
import trustme
import yaml

from clockifyrag_operator.credentials import Access, access, from_account, from_kubeconfig
from clockifyrag_operator.errors import SetupError

SERVER = "https://127.0.0.1:6443"


def kubeconfig(folder: Path, **user: Any) -> Path:
    path = folder / "kubeconfig"
    config = {
        "current-context": "here",
        "contexts": [{"name": "here", "context": {"cluster": "c", "user": "u"}}],
        "clusters": [{"name": "c", "cluster": {"server": f"{SERVER}/", "certificate-authority": "ca.crt"}}],
        "users": [{"name": "u", "user": user}],
    }
    path.write_text(yaml.safe_dump(config))
    return path


def test_files_of_a_kubeconfig_are_found_beside_it(tmp_path: Path) -> None:
    (tmp_path / "token").write_text("first\n")

    found = from_kubeconfig(kubeconfig(tmp_path, tokenFile="token"))
    before = found.token()
    (tmp_path / "token").write_text("second\n")

    assert (SERVER, tmp_path / "ca.crt") == (found.server, found.ca_file)
    assert ("first", "second") == (before, found.token())


def test_certificates_inside_of_a_kubeconfig_are_used_from_there(tmp_path: Path) -> None:
    authority = trustme.CA()
    authority.cert_pem.write_to_path(tmp_path / "ca.crt")
    issued = authority.issue_cert("operator")
    data = {
        "client-certificate-data": base64.b64encode(issued.cert_chain_pems[0].bytes()).decode(),
        "client-key-data": base64.b64encode(issued.private_key_pem.bytes()).decode(),
    }

    found = from_kubeconfig(kubeconfig(tmp_path, **data))

    assert found.ssl_context().get_ca_certs()  # only this authority, and the certificate was taken
    assert found.token() is None


def test_the_service_account_of_a_pod_is_read_from_its_files(tmp_path: Path) -> None:
    (tmp_path / "token").write_text("secret")
    (tmp_path / "ca.crt").write_text("")

    found = from_account("10.0.0.1", "443", tmp_path)

    assert Access("https://10.0.0.1:443", ca_file=tmp_path / "ca.crt", token_file=tmp_path / "token") == found


REFUSED = {
    "neither a kubeconfig nor a pod": ({}, "found neither KUBECONFIG nor KUBERNETES_SERVICE_HOST"),
    "a kubeconfig that is not there": ({"KUBECONFIG": "/nowhere/at/all"}, "expected a kubeconfig"),
    "a pod without a token": (
        {"KUBERNETES_SERVICE_HOST": "10.0.0.1", "KUBERNETES_SERVICE_PORT": "443"},
        "expected the pod to mount",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_is_missing_is_said(case: str) -> None:
    environment, said = REFUSED[case]

    with pytest.raises(SetupError, match=said):
        access(environment)


def test_credentials_that_a_program_makes_are_refused_with_the_reason(tmp_path: Path) -> None:
    with pytest.raises(SetupError, match="come from a program"):
        from_kubeconfig(kubeconfig(tmp_path, exec={"command": "aws"}))
