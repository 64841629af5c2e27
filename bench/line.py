"""A slow line that loses packets, between two network namespaces: carried by this process, packet by packet.

Where a kernel has ``netem`` it can do the same; many small ones have not, and this one can be told by a seed what to
lose. What runs in the namespaces sees an ordinary interface with an address.
"""

from __future__ import annotations

import fcntl
import os
import select
import struct
import threading
import time
from collections import deque
from collections.abc import Sequence
from random import Random
from typing import Self

import attrs

DEVICE = "/dev/net/tun"
"""Where interfaces are made whose packets a process carries."""
_TUNSETIFF = 0x400454CA
_IFF_TUN, _IFF_NO_PI = 0x0001, 0x1000
_PACKET_BYTES = 65_536
_WAITING = 10_000
"""Packets that may be on their way; more are lost, as on a line."""


@attrs.frozen
class Quality:
    """How long a packet takes one way, and the share of packets that never arrives."""

    delay_s: float = 0.02
    loss: float = 0.01
    seed: int = 1


class Line:
    """Carries IP packets between two new interfaces for as long as the block lasts."""

    def __init__(self, names: tuple[str, str], quality: Quality) -> None:
        """Make the interfaces; whoever wants to moves them to namespaces.

        Raises:
            OSError: this system does not let us.
        """
        self.carried = self.lost = 0
        self._quality = quality
        self._random = Random(quality.seed)  # noqa: S311 - to be repeated, not to be secret
        self._ends: list[int] = []
        try:
            self._ends += map(_interface, names)
        except OSError:
            self._close()
            raise
        self._others = {self._ends[0]: self._ends[1], self._ends[1]: self._ends[0]}
        self._underway: deque[tuple[float, int, bytes]] = deque()
        self._stop, self._stopper = os.pipe()
        self._thread = threading.Thread(target=self._carry, name="line", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        os.close(self._stopper)
        self._thread.join()
        os.close(self._stop)
        self._close()

    def _close(self) -> None:
        for end in self._ends:
            os.close(end)

    def _carry(self) -> None:
        sources = [*self._ends, self._stop]
        while True:
            wait = None if not self._underway else max(self._underway[0][0] - time.monotonic(), 0.0)
            ready, _, _ = select.select(sources, (), (), wait)
            if self._stop in ready:
                return
            self._take(ready)
            self._hand_on()

    def _take(self, ready: Sequence[int]) -> None:
        for end in ready:
            packet = os.read(end, _PACKET_BYTES)
            if self._random.random() < self._quality.loss or len(self._underway) >= _WAITING:
                self.lost += 1
            else:
                # All take the same time, so that the first to come is the first to go.
                self._underway.append((time.monotonic() + self._quality.delay_s, self._others[end], packet))

    def _hand_on(self) -> None:
        now = time.monotonic()
        while self._underway and self._underway[0][0] <= now:
            _, end, packet = self._underway.popleft()
            try:
                os.write(end, packet)
                self.carried += 1
            except OSError:  # The interface over there is not up yet, or no longer.
                self.lost += 1


def _interface(name: str) -> int:
    """A new interface whose packets are read from and written to a file."""
    file = os.open(DEVICE, os.O_RDWR)
    try:
        fcntl.ioctl(file, _TUNSETIFF, struct.pack("16sH22x", name.encode(), _IFF_TUN | _IFF_NO_PI))
    except OSError:
        os.close(file)
        raise
    return file
