"""Where a NATS server listens, and with which certificates."""

from __future__ import annotations

from ipaddress import ip_address
from pathlib import Path

import attrs

from ..errors import UsageError


@attrs.frozen
class ServerSettings:
    """Address and TLS files of a server; port 0 is any free one."""

    host: str = "127.0.0.1"
    port: int = 0
    tls_certificate: Path | None = None
    tls_key: Path | None = None
    tls_ca: Path | None = None
    """Authority of the clients' certificates; with it every client needs one."""

    def __attrs_post_init__(self) -> None:
        if (self.tls_certificate is None) != (self.tls_key is None):
            raise UsageError("TLS needs both a certificate and its key")
        if self.tls_ca is not None and self.tls_certificate is None:
            raise UsageError("a server that asks clients for certificates needs one of its own")
        if not 0 <= self.port < 65536:
            raise UsageError(f"a port is 0 to 65535, got {self.port}")

    @property
    def loopback(self) -> bool:
        """Whether only this machine can reach it."""
        try:
            return self.host == "localhost" or ip_address(self.host).is_loopback
        except ValueError:
            return False
