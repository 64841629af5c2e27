"""The names of the subjects that a run uses on the network.

A follower sends *up*: ``report`` for what concerns the run, ``say.MESSAGE`` for the messages that its components
publish. The timekeeper sends *down*: ``lead``, and ``hear.MESSAGE`` for what the follower's components may hear. The
name of the follower is in every subject, so that a network can enforce who says and hears what.
"""

from __future__ import annotations

import attrs


@attrs.frozen
class Subjects:
    """The subjects of one run."""

    run: str
    """Name of the run on the network, one token."""

    @property
    def all_up(self) -> str:
        """Everything that followers send."""
        return f"gridbus.{self.run}.up.>"

    @property
    def all_down(self) -> str:
        """Everything that the timekeeper sends."""
        return f"gridbus.{self.run}.down.>"

    def report(self, follower: str) -> str:
        """What concerns the run, from a follower."""
        return f"gridbus.{self.run}.up.{follower}.report"

    def say(self, follower: str, message: str) -> str:
        """Messages of one class from a follower's components."""
        return f"gridbus.{self.run}.up.{follower}.say.{message}"

    def lead(self, follower: str) -> str:
        """What concerns the run, to a follower."""
        return f"gridbus.{self.run}.down.{follower}.lead"

    def hear(self, follower: str, message: str) -> str:
        """Messages of one class to a follower's components."""
        return f"gridbus.{self.run}.down.{follower}.hear.{message}"
