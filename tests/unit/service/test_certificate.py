"""Certificate: what is wrong with the files is said, and nothing waits for somebody who types."""

from pathlib import Path

import pytest
import trustme
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    PrivateFormat,
    load_pem_private_key,
)

from clockifyrag_service.certificate import Certificate


def encrypted(key: bytes) -> bytes:
    """The private key under a pass phrase."""
    return load_pem_private_key(key, None).private_bytes(
        Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"open sesame")
    )


def test_a_key_under_a_pass_phrase_is_refused_and_nobody_is_asked_for_it(tmp_path: Path) -> None:
    issued = trustme.CA().issue_cert("localhost")
    cert, key = tmp_path / "tls.crt", tmp_path / "tls.key"
    cert.write_bytes(issued.cert_chain_pems[0].bytes())
    key.write_bytes(encrypted(issued.private_key_pem.bytes()))

    with pytest.raises(ValueError, match="TLS_KEY_FILE cannot be used: the key needs a pass phrase"):
        Certificate(cert, key)

    key.write_bytes(issued.private_key_pem.bytes())
    certificate = Certificate(cert, key)
    key.write_bytes(encrypted(issued.private_key_pem.bytes()))
    certificate.refresh()
    assert "the key needs a pass phrase" in (certificate.problem or "")
