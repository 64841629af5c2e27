"""Who takes part in a run: the followers that the scenario expects, those that are there, and those turned away."""

from __future__ import annotations

import logging
from collections.abc import Collection

from ..errors import Fault, UsageError
from ..message import Declaration
from ..plugins import Placement, contract
from ..records import versions
from ..scenario import Member, Scenario
from .followers import Follower, Shard, follower, placement_of
from .identity import contract_digest
from .link import framed
from .notes import Hello, Refusal, Stopped, Welcome, written
from .seat import Seat
from .subjects import Subjects

_log = logging.getLogger(__name__)
_DEAD = 2
"""Looks without a sign of life after which another process may take a seat."""

Answer = tuple[str, bytes]
"""Subject and payload of what is said to a newcomer."""


class Roster:
    """The seats of a run."""

    def __init__(self, scenario: Scenario, kept: Collection[Member], subjects: Subjects, largest: int) -> None:
        self.scenario = scenario
        self.kept = tuple(kept)
        self.seats: list[Seat] = []
        self._subjects = subjects
        self._largest = largest
        self._contract: tuple[Declaration, ...] = contract()
        self._expected = {member.address: member for member in scenario.members if member not in kept}
        self._by_subject: dict[str, Seat] = {}
        self._own = (versions(["gridbus"])["gridbus"], contract_digest(), scenario.digest())

    def expect(self, member: str, shards: int) -> None:
        """Make the seats of a member."""
        for number in range(1, shards + 1):
            part = follower(self.scenario, self._expected[member], Shard(number, shards))
            seat = Seat.of(part, self._subjects, self._contract, self._largest)
            self.seats.append(seat)
            for subject in (self._subjects.report(part.name), *seat.says):
                self._by_subject[subject] = seat
        self.seats.sort(key=lambda seat: seat.name)

    def expect_all(self, shards: int) -> None:
        """Make all seats, with members that can be split in so many shards."""
        for address, member in self._expected.items():
            self.expect(address, shards if placement_of(member) is Placement.SHARDED else 1)

    def missing(self) -> list[str]:
        """Names of those who are not there."""
        seated = {seat.follower.member for seat in self.seats}
        missing = [address for address in self._expected if address not in seated]
        return sorted(missing + [seat.name for seat in self.seats if not seat.process])

    def seat_of(self, subject: str) -> Seat | None:
        """The seat whose follower sends on a subject."""
        return self._by_subject.get(subject)

    def welcome(self, subject: str, hello: Hello, token: str) -> Answer | None:
        """Give a newcomer its seat, or a refusal; None while it is not known yet whether the seat is free."""
        try:
            seat = self._seat_for(subject, hello)
            if seat.process and seat.link.token != token and not self._is_free(seat):
                return None
        except UsageError as refused:
            _log.warning("turned away %s: %s", hello.process, refused)
            follower_ = subject.removeprefix(self._subjects.all_up.removesuffix(">")).removesuffix(".report")
            return self._subjects.lead(follower_), framed(token, 0, 0, written(Refusal(str(refused))))
        if not seat.process:
            self._seat(seat, hello, token)
        return self.accept(seat)

    @staticmethod
    def accept(seat: Seat) -> Answer:
        """The welcome of the process that has a seat."""
        return seat.aside(written(Welcome(seat.link.received, seat.checksum, seat.link.sent)))

    def _seat(self, seat: Seat, hello: Hello, token: str) -> None:
        again = "again " if seat.link.received else ""
        _log.info("%s is there %s(%s)", seat.name, again, hello.process)
        seat.process, seat.silent, seat.confirmed, seat.rival = hello.process, 0, -1, False
        seat.link.renew(token)

    def _seat_for(self, subject: str, hello: Hello) -> Seat:
        version, contract_, scenario = self._own
        if hello.version != version:
            raise UsageError(f"this run is kept by gridbus {version}, not {hello.version}; install the same version")
        if hello.contract != contract_:
            raise UsageError("its packages declare other messages; install the same packages in both places")
        if hello.scenario != scenario:
            raise UsageError(
                f"it has another scenario than {self.scenario.name} as it is run here; start it with the same file, "
                "--seed and --until"
            )
        if hello.member not in self._expected:
            raise UsageError(f"{hello.member} is no part of this run, or is run by the process that keeps time")
        if hello.shard > hello.shards:
            raise UsageError(f"there is no shard {hello.shard} of {hello.shards}")
        name = Follower(hello.member, Shard(hello.shard, hello.shards), ()).name
        if subject != self._subjects.report(name):
            raise UsageError(f"{hello.process} cannot say that it is {name} on {subject}")
        if not any(seat.follower.member == hello.member for seat in self.seats):
            self.expect(hello.member, hello.shards)
        for seat in self.seats:
            if seat.name == name:
                return seat
        count = sum(seat.follower.member == hello.member for seat in self.seats)
        raise UsageError(
            f"{hello.member} is split into {count} here, not {hello.shards}; start it with --shard N/{count}"
        )

    def _is_free(self, seat: Seat) -> bool:
        """Whether the process that has a seat is dead; it is given some time to show that it lives.

        Raises:
            UsageError: it lives.
        """
        if not seat.rival:
            seat.rival, seat.alive = True, False
        elif seat.alive:
            seat.rival = False
            raise UsageError(f"{seat.name} is taking part already, as {seat.process}")
        elif seat.silent >= _DEAD:
            seat.process = ""
        return not seat.process

    def gone(self, name: str) -> int:
        """A follower's process is known to have ended: its seat is free; returns the frames that came from it."""
        received = 0
        for seat in self.seats:
            if seat.name == name:
                seat.process, received = "", seat.link.received
        return received

    def close(self) -> None:
        """Let go of what was kept for sending again."""
        for seat in self.seats:
            seat.link.kept.close()

    @staticmethod
    def replaced(seat: Seat, token: str) -> Answer:
        """What is said to a process whose seat another has taken."""
        taken = f"another process has taken the place of {seat.name}: {seat.process}"
        reason = taken if seat.process else f"{seat.name} took part in another run; start it again for this one"
        return seat.lead, framed(token, 0, 0, written(Stopped(reason)))


def stranger(subject: str) -> Fault:
    """The fault of a payload that is from nobody in the run."""
    return Fault("frame", f"nobody in this run speaks on {subject} with this token")
