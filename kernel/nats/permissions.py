"""Who may publish and subscribe what on a server: made from the message contract, for the server to enforce."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import attrs
import orjson

from ..errors import UsageError
from ..message import Declaration
from ..network.followers import Follower
from ..network.subjects import Subjects
from .settings import ServerSettings

TIMEKEEPER = "timekeeper"
"""The user name of the process that keeps time."""


@attrs.frozen
class Permissions:
    """The subjects of one user."""

    user: str
    publish: tuple[str, ...]
    subscribe: tuple[str, ...]


def permissions(
    subjects: Subjects, followers: Iterable[Follower], contract: Sequence[Declaration]
) -> list[Permissions]:
    """The permissions of all users of a run: the timekeeper and its followers."""
    users = [Permissions(TIMEKEEPER, (subjects.all_down,), (subjects.all_up,))]
    for follower in followers:
        says = (subjects.say(follower.name, declaration.name) for declaration in follower.says(contract))
        hears = (subjects.hear(follower.name, declaration.name) for declaration in follower.hears(contract))
        publish = (subjects.report(follower.name), *says)
        users.append(Permissions(follower.name, publish, (subjects.lead(follower.name), *hears)))
    return users


def server_configuration(settings: ServerSettings, users: Iterable[Permissions], keys: Mapping[str, str] | None) -> str:
    """The configuration file of a server; without keys it lets in anybody.

    A user that has no key yet gets a placeholder, for reading only.

    Raises:
        UsageError: it would let in anybody from outside this machine.
    """
    if keys is None and not settings.loopback:
        raise UsageError(f"a server without users listens on loopback only, not on {settings.host}")
    blocks = [_HEAD.format(host=_quoted(settings.host), port=settings.port or -1), _tls(settings)]
    if keys is not None:
        blocks += ["authorization {\n  users = [\n", *(_user(user, keys) for user in users), "  ]\n}\n"]
    return "".join(blocks)


_HEAD = """\
# A NATS server for gridbus. The limits: with a server's defaults a receiver that is busy for some seconds loses what is
# sent to it meanwhile.
host: {host}
port: {port}
max_payload: 8MB
max_pending: 1GB
write_deadline: "120s"
"""


def _tls(settings: ServerSettings) -> str:
    if settings.tls_certificate is None:
        return ""
    lines = [f"  cert_file: {_quoted(settings.tls_certificate)}", f"  key_file: {_quoted(settings.tls_key)}"]
    if settings.tls_ca is not None:
        lines += [f"  ca_file: {_quoted(settings.tls_ca)}", "  verify: true"]
    # Not "auto": that lets a client begin with TLS for 50 ms only, too few for one that is far away or busy.
    lines.append("  handshake_first: true")
    return "tls {\n" + "\n".join(lines) + "\n}\n"


def _user(user: Permissions, keys: Mapping[str, str]) -> str:
    key = keys.get(user.user, f"<public key of {user.user}>")
    return (
        f"    # {user.user}\n"
        f"    {{\n"
        f"      nkey: {_quoted(key)}\n"
        f"      permissions: {{\n"
        f"        publish: {{ allow: {_listed(user.publish)} }}\n"
        f"        subscribe: {{ allow: {_listed(user.subscribe)} }}\n"
        f"      }}\n"
        f"    }}\n"
    )


def _listed(subjects: Iterable[str]) -> str:
    return "[\n" + "".join(f"          {_quoted(subject)}\n" for subject in subjects) + "        ]"


def _quoted(text: object) -> str:
    return orjson.dumps(str(text)).decode()
