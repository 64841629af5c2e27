"""The key pairs of a server's users: a seed file for each, which stays with it; the server knows the public keys."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterable
from importlib import import_module
from pathlib import Path
from types import ModuleType

from ..errors import UsageError


def make_credentials(folder: Path, users: Iterable[str]) -> dict[str, str]:
    """Write a seed file for each user that has none, readable by its owner alone; returns the public keys.

    Raises:
        UsageError: the folder cannot be written, or a file that is there holds no seed.
    """
    users = tuple(users)
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        for user in users:
            if not (file := folder / f"{user}.nk").exists():
                with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as opened:
                    opened.write(_new_seed())
    except OSError as error:
        raise UsageError(f"{folder} cannot be used for credentials: {error.strerror}") from None
    return public_keys(folder, users)


def public_keys(folder: Path, users: Iterable[str]) -> dict[str, str]:
    """The public keys of those users that have a seed file.

    Raises:
        UsageError: a file holds no seed.
    """
    return {user: _public_key(file) for user in users if (file := folder / f"{user}.nk").is_file()}


def _new_seed() -> bytes:
    nkeys = _nkeys()
    seed: bytes = nkeys.encode_seed(secrets.token_bytes(32), nkeys.PREFIX_BYTE_USER)
    return seed


def read_seed(file: Path) -> str:
    """The seed in a file.

    Raises:
        UsageError: there is no such file, or no seed of a user in it.
    """
    nkeys = _nkeys()
    try:
        seed = file.read_bytes().strip()
        prefix, raw = nkeys.decode_seed(seed)
        # The package does not look at the checksum: one letter wrong would be another user's key.
        if prefix != nkeys.PREFIX_BYTE_USER or nkeys.encode_seed(raw, prefix) != seed:
            raise nkeys.ErrInvalidSeed
    except (OSError, ValueError, nkeys.NkeysError) as error:
        raise UsageError(f"{file} holds no seed of a user ({error or type(error).__name__}); remove it") from None
    return seed.decode("ascii")


def _public_key(file: Path) -> str:
    key: bytes = _nkeys().from_seed(read_seed(file).encode("ascii")).public_key
    return key.decode("ascii")


def _nkeys() -> ModuleType:
    try:
        return import_module("nkeys")
    except ImportError:
        raise UsageError("nkeys is not installed; run: pip install 'gridbus[nats]'") from None
