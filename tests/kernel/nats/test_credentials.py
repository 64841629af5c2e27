"""Seed files: made once, for nobody else to read, and told apart from what is damaged."""

from pathlib import Path

import nkeys
import pytest

from gridbus.kernel import UsageError
from gridbus.kernel.nats.credentials import make_credentials, public_keys

NAMES = ["timekeeper", "lse.green", "agents.homes.2of4"]


def test_each_name_gets_a_seed_that_only_its_owner_can_read(tmp_path: Path):
    folder = tmp_path / "new" / "credentials"
    keys = make_credentials(folder, NAMES)

    assert folder.stat().st_mode & 0o777 == 0o700
    assert sorted(file.name for file in folder.iterdir()) == sorted(f"{name}.nk" for name in NAMES)
    assert len(set(keys.values())) == len(NAMES)
    for name in NAMES:
        file = folder / f"{name}.nk"
        assert file.stat().st_mode & 0o777 == 0o600
        seed = bytearray(file.read_bytes().strip())
        assert nkeys.decode_seed(seed)[0] == nkeys.PREFIX_BYTE_USER
        assert nkeys.from_seed(seed).public_key.decode() == keys[name]


def test_seeds_that_are_there_are_kept(tmp_path: Path):
    before = make_credentials(tmp_path, NAMES[:1])
    after = make_credentials(tmp_path, NAMES)

    assert after[NAMES[0]] == before[NAMES[0]]
    assert list(after) == NAMES


def test_names_without_a_file_have_no_key(tmp_path: Path):
    keys = make_credentials(tmp_path, NAMES[:1])
    assert public_keys(tmp_path, NAMES) == keys


def test_names_may_come_from_an_iterator(tmp_path: Path):
    assert list(make_credentials(tmp_path, iter(NAMES))) == NAMES


def flipped(seed: bytes) -> bytes:
    middle = len(seed) // 2
    return seed[:middle] + (b"A" if seed[middle : middle + 1] != b"A" else b"B") + seed[middle + 1 :]


@pytest.mark.parametrize(
    "damage",
    [lambda seed: b"", lambda seed: seed[:30], lambda seed: b"nonsense", lambda seed: b"\xff" + seed, flipped],
    ids=["empty", "short", "nonsense", "bytes", "flipped"],
)
def test_a_damaged_seed_is_named(tmp_path: Path, damage):  # type: ignore[no-untyped-def]
    make_credentials(tmp_path, NAMES)
    file = tmp_path / "lse.green.nk"
    file.write_bytes(damage(file.read_bytes().strip()))
    with pytest.raises(UsageError, match=r"lse\.green\.nk"):
        make_credentials(tmp_path, NAMES)


def test_a_folder_that_cannot_be_one_is_named(tmp_path: Path):
    (tmp_path / "file").write_text("", encoding="utf-8")
    with pytest.raises(UsageError, match="file"):
        make_credentials(tmp_path / "file", NAMES)
