"""What the contract declares is what the server lets a user do, and nothing else."""

import subprocess
from collections.abc import AsyncIterator
from pathlib import Path

import nats
import nats.errors
import pytest

from gridbus.kernel import PeerError
from gridbus.kernel.message import Declaration
from gridbus.kernel.nats.credentials import make_credentials, public_keys
from gridbus.kernel.nats.permissions import server_configuration
from gridbus.kernel.nats.server import NatsServer, binary
from gridbus.kernel.nats.settings import ServerSettings
from gridbus.kernel.network.followers import Follower
from gridbus.kernel.plugins import contract

from .conftest import Run, Taken, joined, until


def declared(patterns: tuple[str, ...], follower: Follower) -> bool:
    """Whether address patterns as written in a message's declaration name a role of a follower's components."""
    roles = {pattern.split(".")[0] for pattern in patterns}
    return bool(roles & {"*"} or roles & {address.split(".")[0] for address in follower.addresses})


def may_say(follower: Follower, declaration: Declaration) -> bool:
    return declared(declaration.senders, follower) or any(s.startswith("kernel.") for s in declaration.senders)


def test_a_user_may_say_and_hear_exactly_what_is_declared_in_its_own_name(split: Run):
    users = {user.user: user for user in split.users}
    assert list(users) == ["timekeeper", *(follower.name for follower in split.followers)]
    for user in split.followers:
        publish, subscribe = users[user.name].publish, users[user.name].subscribe
        expected = [1, 1]
        for declaration in contract():
            for other in split.followers:
                own = other is user
                say, hear = (
                    split.subjects.say(other.name, declaration.name),
                    split.subjects.hear(other.name, declaration.name),
                )
                assert (say in publish) == (own and may_say(user, declaration)), (user.name, say)
                assert (hear in subscribe) == (own and declared(declaration.receivers, user)), (user.name, hear)
                expected[0] += say in publish
                expected[1] += hear in subscribe
        assert split.subjects.report(user.name) in publish
        assert split.subjects.lead(user.name) in subscribe
        assert [len(publish), len(subscribe)] == expected
        assert not [subject for subject in publish + subscribe if "*" in subject or ">" in subject]


def test_the_timekeeper_sends_down_and_hears_what_comes_up(split: Run):
    keeper = split.users[0]
    assert (keeper.publish, keeper.subscribe) == (("gridbus.test.down.>",), ("gridbus.test.up.>",))


def keys_of(split: Run, folder: Path) -> dict[str, str]:
    return public_keys(folder, [user.user for user in split.users])


@pytest.mark.parametrize("host", ["127.0.0.1", "0.0.0.0", "::1"])  # noqa: S104
def test_the_server_accepts_the_configuration(split: Run, credentials: Path, tmp_path: Path, host: str):
    file = tmp_path / "server.conf"
    text = server_configuration(ServerSettings(host=host), split.users, keys_of(split, credentials))
    file.write_text(text, encoding="utf-8")
    checked = subprocess.run([binary(), "-t", "-c", file], capture_output=True, text=True, check=False)
    assert checked.returncode == 0, checked.stderr
    assert "$" not in text
    assert "_INBOX" not in text
    assert all(f"# {user.user}\n" in text for user in split.users)


def test_a_user_without_a_key_gets_a_place_for_it(split: Run):
    assert '"<public key of lse.green>"' in server_configuration(ServerSettings(), split.users, {})


def test_the_text_is_the_same_each_time(split: Run, credentials: Path):
    keys = keys_of(split, credentials)
    texts = {server_configuration(ServerSettings(), split.users, keys) for _ in range(3)}
    assert len(texts) == 1


@pytest.fixture
async def guarded(split: Run, credentials: Path) -> AsyncIterator[NatsServer]:
    """A server that knows its users."""
    settings = ServerSettings()
    async with NatsServer(settings, server_configuration(settings, split.users, keys_of(split, credentials))) as server:
        yield server


class Bare:
    """A client of nobody's making, with somebody's seed."""

    def __init__(self) -> None:
        self.errors: list[str] = []
        self.client = nats.NATS()

    async def note(self, error: Exception) -> None:
        self.errors.append(str(error).lower())

    async def connect(self, server: NatsServer, seed: Path | None) -> nats.NATS:
        options = {"nkeys_seed": str(seed)} if seed else {}
        try:
            await self.client.connect(server.url, error_cb=self.note, allow_reconnect=False, **options)
        except nats.errors.Error:
            await self.client.close()
            raise
        return self.client


async def settled(client: nats.NATS) -> None:
    """Wait until the server has answered; the first ping overtakes what is still to be sent."""
    await client.flush()
    await client.flush()


SUBSCRIBE_REFUSED = [
    "gridbus.test.down.lse.simple.hear.meter_read",
    "gridbus.test.down.lse.simple.lead",
    "gridbus.test.up.agents.homes.say.order",
    "gridbus.test.up.mo.retail.say.order",
    "gridbus.test.down.*.*.hear.meter_read",
    "gridbus.test.down.lse.green.>",
    "gridbus.>",
    ">",
    "_INBOX.>",
]
PUBLISH_REFUSED = [
    "gridbus.test.up.lse.green.say.award",
    "gridbus.test.up.mo.retail.say.award",
    "gridbus.test.up.lse.simple.report",
    "gridbus.test.down.lse.simple.hear.meter_read",
    "gridbus.test.down.lse.green.lead",
]


async def test_a_user_is_refused_what_is_not_its_own_by_the_server(guarded: NatsServer, split: Run, credentials: Path):
    assert {"lse.green", "lse.simple"} <= {follower.name for follower in split.followers}
    bare, taken = Bare(), Taken()
    client = await bare.connect(guarded, credentials / "lse.green.nk")
    async with joined(guarded, "timekeeper", seed=credentials / "timekeeper.nk") as keeper:
        await keeper.subscribe([split.subjects.all_up], taken)

        async def receive(message: object) -> None:
            raise AssertionError(message)

        for subject in SUBSCRIBE_REFUSED:
            bare.errors.clear()
            await client.subscribe(subject, cb=receive)
            await settled(client)
            (error,) = bare.errors
            assert f'permissions violation for subscription to "{subject.lower()}"' in error
        for subject in PUBLISH_REFUSED:
            bare.errors.clear()
            await client.publish(subject, b"forged")
            await settled(client)
            (error,) = bare.errors
            assert f'permissions violation for publish to "{subject}"' in error
        await keeper.publish(split.subjects.hear("lse.simple", "meter_read"), b"not for green")
        await settled(client)
    await client.close()
    assert taken.frames == []


async def test_a_user_can_use_all_that_is_its_own(guarded: NatsServer, split: Run, credentials: Path):
    taken, heard = Taken(), Taken()
    async with (
        joined(guarded, "timekeeper", seed=credentials / "timekeeper.nk") as keeper,
        joined(guarded, "lse.green", seed=credentials / "lse.green.nk") as green,
    ):
        (user,) = (user for user in split.users if user.user == "lse.green")
        await keeper.subscribe([split.subjects.all_up], taken)
        await green.subscribe(user.subscribe, heard)
        for subject in user.publish:
            await green.publish(subject, b"said")
        for subject in user.subscribe:
            await keeper.publish(subject, b"told")
        await until(lambda: len(taken.frames) == len(user.publish) and len(heard.frames) == len(user.subscribe))
        assert not green.refused

    assert {subject for subject, _ in taken.frames} == set(user.publish)
    assert {subject for subject, _ in heard.frames} == set(user.subscribe)


async def test_a_refused_subscription_raises_and_a_refused_frame_is_told(
    guarded: NatsServer, split: Run, credentials: Path, caplog: pytest.LogCaptureFixture
):
    async with joined(guarded, "lse.green", seed=credentials / "lse.green.nk") as green:
        with pytest.raises(PeerError, match=r"gridbus\.test\.down\.lse\.simple\.lead"):
            await green.subscribe([split.subjects.lead("lse.simple")], Taken())
        caplog.clear()
        await green.publish(split.subjects.say("mo.retail", "award"), b"")
        await until(lambda: split.subjects.say("mo.retail", "award") in caplog.text)


async def test_nobody_gets_in_without_credentials(guarded: NatsServer):
    bare = Bare()
    with pytest.raises(nats.errors.Error, match="Authorization Violation"):
        await bare.connect(guarded, None)
    with pytest.raises(PeerError, match="--credentials"):
        async with joined(guarded):
            pass


async def test_the_key_of_a_stranger_is_refused(guarded: NatsServer, tmp_path: Path):
    make_credentials(tmp_path / "strangers", ["lse.green"])
    with pytest.raises(PeerError, match="--credentials"):
        async with joined(guarded, "lse.green", seed=tmp_path / "strangers" / "lse.green.nk"):
            pass
