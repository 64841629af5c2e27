"""``gridbus serve``: just the server of a scenario, with the users and permissions that its contract asks for."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import attrs

from ..errors import PeerError
from ..network.followers import followers
from ..network.session import Split
from ..plugins import contract
from ..scenario import Scenario
from .credentials import make_credentials, public_keys
from .permissions import Permissions, permissions, server_configuration
from .server import NatsServer
from .settings import ServerSettings


@attrs.frozen
class Service:
    """What the server of a scenario is to be; without a folder of credentials it lets in anybody."""

    host: str = "127.0.0.1"
    port: int = 4222
    credentials: Path | None = Path("credentials")
    shards: int = 1
    keep: tuple[str, ...] | None = None
    run: str = ""
    tls_certificate: Path | None = None
    tls_key: Path | None = None
    tls_ca: Path | None = None

    def settings(self) -> ServerSettings:
        """Address and TLS files."""
        return ServerSettings(self.host, self.port, self.tls_certificate, self.tls_key, self.tls_ca)

    def users(self, scenario: Scenario) -> list[Permissions]:
        """The users of a scenario's run and their permissions."""
        split = Split(keep=self.keep, run=self.run)
        expected = followers(scenario, split.kept(scenario), self.shards)
        return permissions(split.subjects(scenario), expected, contract())


def configuration(scenario: Scenario, service: Service) -> str:
    """The server's configuration, with the keys that there are."""
    users = service.users(scenario)
    keys = {} if service.credentials is None else public_keys(service.credentials, [user.user for user in users])
    return server_configuration(service.settings(), users, keys)


async def serve(scenario: Scenario, service: Service, say: Callable[[str], None]) -> None:
    """Run the server until it is told to end.

    Raises:
        UsageError: it cannot be started as asked.
        PeerError: it has ended by itself.
    """
    users = service.users(scenario)
    keys = None
    if service.credentials is not None:
        keys = make_credentials(service.credentials, [user.user for user in users])
    async with NatsServer(service.settings(), server_configuration(service.settings(), users, keys)) as server:
        say(f"NATS server for {scenario.name} at {server.url}")
        if service.credentials is not None:
            say(f"seed files of {len(users)} users in {service.credentials}: give each process its own and no other")
        await server.wait()
        raise PeerError("the NATS server has ended by itself")
