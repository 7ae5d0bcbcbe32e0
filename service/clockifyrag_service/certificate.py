"""Certificate: the chain and key of the settings, read again when they change, without a restart.

Each new connection is given the certificate of the moment, in the callback that every TLS handshake begins with; those
that are open keep theirs. A fresh context for each reading, because a context keeps a certificate of another key type
beside the new one.
"""

import logging
import ssl
from pathlib import Path
from typing import NoReturn

from .watched import stamp

log = logging.getLogger(__name__)


class Certificate:
    """Read by the loader's thread, presented in the event loop."""

    def __init__(self, cert_file: Path, key_file: Path) -> None:
        """ValueError names the variables when certificate and key are not a pair."""
        self.problem: str | None = None  # why the files are not what is in use
        self._cert_file, self._key_file = cert_file, key_file
        self._seen = self._stamps()
        try:
            self._context = self._read()
        except OSError as error:
            raise ValueError(
                f"TLS_CERT_FILE and TLS_KEY_FILE cannot be used: {error}; expected a chain and its key in PEM"
            ) from error

    def refresh(self) -> None:
        """Reads the files again if they changed. While they are no pair the last good ones stay in use."""
        present = self._stamps()
        if present == self._seen:
            return
        self._seen = present
        try:
            self._context, self.problem = self._read(), None
            log.info("new connections get the certificate of the changed files")
        except OSError as error:
            self.problem = f"certificate and key cannot be read, the last good ones stay in use: {error}"
            log.error("TLS: %s", self.problem)

    def present_in(self, serving: ssl.SSLContext) -> None:
        """From now on connections of that context begin with the certificate of the moment."""

        def choose(connection: ssl.SSLObject, _name: str | None, _context: ssl.SSLContext) -> None:
            connection.context = self._context

        serving.sni_callback = choose  # called without a name as well, where a client sends none

    def _read(self) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self._cert_file, self._key_file, no_pass_phrase)
        return context

    def _stamps(self) -> object:
        return stamp(self._cert_file), stamp(self._key_file)


def no_pass_phrase() -> NoReturn:
    """Called where the key is encrypted: otherwise OpenSSL would ask on a terminal, and wait for ever."""
    raise OSError("the key needs a pass phrase, and nobody is here to type it; decrypt it with `openssl pkey`")
