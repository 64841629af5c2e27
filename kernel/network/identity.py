"""What two processes must have in common to take part in one run."""

from __future__ import annotations

import os
import secrets
import socket
from functools import cache
from hashlib import sha256

from ..describe import contract_text
from ..plugins import contract
from ..records import versions
from ..scenario import Scenario
from .followers import Follower
from .notes import Hello


@cache
def contract_digest() -> str:
    """Identity of all messages that the installed packages declare."""
    return sha256(contract_text(contract()).encode()).hexdigest()


def hello_of(follower: Follower, scenario: Scenario) -> Hello:
    """The greeting of this process."""
    return Hello(
        member=follower.member,
        shard=follower.shard.number,
        shards=follower.shard.count,
        version=versions(["gridbus"])["gridbus"],
        contract=contract_digest(),
        scenario=scenario.digest(),
        process=f"process {os.getpid()} on {socket.gethostname()}",
    )


def new_token() -> str:
    """A token that nobody guesses."""
    return secrets.token_hex(16)
