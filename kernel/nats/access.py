"""What a user of a NATS server identifies itself with."""

from __future__ import annotations

import ssl
from pathlib import Path

import attrs

from ..errors import UsageError


@attrs.frozen
class Access:
    """A seed file and the files of TLS; none of them where a server asks for none."""

    seed: Path | None = None
    tls_ca: Path | None = None
    tls_certificate: Path | None = None
    tls_key: Path | None = None

    def tls(self, url: str) -> ssl.SSLContext | None:
        """The context of an encrypted connection; None for a plain one.

        Raises:
            UsageError: a file cannot be read or is no certificate or key.
        """
        if not (url.startswith("tls://") or self.tls_ca or self.tls_certificate):
            return None
        try:
            context = ssl.create_default_context(cafile=self.tls_ca)
            if self.tls_certificate is not None:
                context.load_cert_chain(self.tls_certificate, self.tls_key)
        except (OSError, ssl.SSLError) as error:
            named = ", ".join(str(file) for file in (self.tls_ca, self.tls_certificate, self.tls_key) if file)
            raise UsageError(f"{named} cannot be used for TLS: {error}") from None
        return context
