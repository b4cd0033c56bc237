"""The append-only log file: durable order, torn ends, altered records, one writer, a full disk."""

from __future__ import annotations

import struct
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from signer.audit.log_file import LogFile, LogReader, read_log
from signer.audit.merkle import SM3
from signer.errors import ApplianceError, ConfigurationError


def _filled(file: Path, entries: list[bytes]) -> None:
    log = LogFile.open(file, "l")
    log.append(entries)
    log.close()


def test_entries_keep_their_places_over_restarts(tmp_path: Path) -> None:
    file = tmp_path / "log"
    log = LogFile.open(file, "l")
    assert log.append([b"a", b"b"]) == 0
    log.close()
    log = LogFile.open(file, "l")
    assert log.count == 2
    assert log.append([b"c"]) == 2
    log.close()
    assert list(read_log(file)) == [b"a", b"b", b"c"]


def test_the_leaf_hash_is_rfc_9162s_over_sm3() -> None:
    # SM3("\x00abc") by OpenSSL: printf '\0abc' | openssl dgst -sm3
    import subprocess

    judged = subprocess.run(["openssl", "dgst", "-sm3", "-binary"], input=b"\x00abc", check=True, capture_output=True)
    assert SM3.leaf(b"abc") == judged.stdout


@pytest.mark.parametrize("shortened", [True, False])
@pytest.mark.parametrize("torn", range(8, 43))
def test_a_torn_end_is_cut_off(tmp_path: Path, torn: int, shortened: bool) -> None:
    file = tmp_path / "log"
    _filled(file, [b"first", b"ab"])
    content = file.read_bytes()
    end = content.index(b"\n") + 1 + (8 + 5 + 32) + (8 + 2 + 32)
    file.write_bytes(content[: end - torn] + (b"" if shortened else bytes(torn + 500)))
    log = LogFile.open(file, "l")
    assert log.count == 1
    assert log.append([b"next"]) == 1
    log.close()
    assert list(read_log(file)) == [b"first", b"next"]


@pytest.mark.parametrize("behind", range(1, 9))
def test_an_end_torn_at_a_sector_is_cut_off_however_little_is_missing(tmp_path: Path, behind: int) -> None:
    """A power cut keeps a disk's sectors or loses them: of the record that reaches `behind` bytes into the next, those are zeros."""
    file = tmp_path / "log"
    _filled(file, [])
    _filled(file, [b"first", b"x" * (512 + behind - file.stat().st_size - 2 * (8 + 32) - len(b"first"))])
    content = bytearray(file.read_bytes())
    assert any(content[512:][:behind])
    assert not any(content[512 + behind :])
    content[512 : 512 + behind] = bytes(behind)
    file.write_bytes(content)
    log = LogFile.open(file, "l")
    assert log.count == 1
    log.close()


def test_a_log_is_read_while_it_grows(tmp_path: Path) -> None:
    """Zeros that a reader saw before the writer came to them are no alteration, nor is half of a record."""
    file = tmp_path / "log"
    log = LogFile.open(file, "l")

    def write() -> None:
        for number in range(2000):
            log.append([b"%d " % number * 20] * 3)

    with ThreadPoolExecutor() as pool:
        writing = pool.submit(write)
        sizes = [sum(1 for _ in read_log(file))]
        while not writing.done():
            sizes.append(sum(1 for _ in read_log(file)))
        writing.result()
    log.close()
    assert len(set(sizes)) > 1  # it was read between appends
    assert sizes == sorted(sizes)
    assert sum(1 for _ in read_log(file)) == 6000


def test_every_altered_byte_of_a_record_is_found(tmp_path: Path) -> None:
    file = tmp_path / "log"
    _filled(file, [b"first", b"second"])
    content = file.read_bytes()
    start = content.index(b"\n") + 1
    end = start + 8 + len(b"first") + 32
    for position in range(start, end):
        changed = bytearray(content)
        changed[position] ^= 0x01
        file.write_bytes(changed)
        try:
            entries = list(read_log(file))
        except ConfigurationError:
            continue
        pytest.fail(f"byte {position}: read as {entries}")


@settings(max_examples=40, deadline=None)
@given(st.lists(st.sampled_from([1, 7, 330, 40_000, 65_535]), min_size=1, max_size=40), st.data())
def test_a_reader_gives_any_part_at_any_time(
    tmp_path_factory: pytest.TempPathFactory, sizes: list[int], data: st.DataObject
) -> None:
    """Records longer than what is read at once are among them, and some that lie across its end."""
    file = tmp_path_factory.mktemp("log") / "log"
    entries = [number.to_bytes(1, "big") * size for number, size in enumerate(sizes, 1)]
    _filled(file, entries)
    readers = [LogReader(file), LogReader(file, hashes=False)]
    for _ in range(4):
        first = data.draw(st.integers(0, len(entries) - 1))
        count = data.draw(st.integers(0, len(entries) - first))
        for reader in readers:
            assert reader.read(first, count) == entries[first : first + count]


def test_a_reader_says_where_a_record_was_altered(tmp_path: Path) -> None:
    file = tmp_path / "log"
    _filled(file, [b"first", b"second", b"third"])
    content = file.read_bytes()
    start = content.index(b"second") - 8
    for place in range(start, start + 8 + len(b"second") + 32):
        changed = bytearray(content)
        changed[place] ^= 0x01
        file.write_bytes(changed)
        with pytest.raises(ConfigurationError, match=f"the record at byte {start} was altered"):
            LogReader(file).read(0, 3)
    file.write_bytes(content)
    with pytest.raises(ConfigurationError, match=f"the record at byte {len(content.rstrip(bytes(1)))} was altered"):
        LogReader(file).read(0, 4)  # more than there are


def test_there_is_one_writer(tmp_path: Path) -> None:
    log = LogFile.open(tmp_path / "log", "l")
    with pytest.raises(ConfigurationError, match="another process writes"):
        LogFile.open(tmp_path / "log", "l")
    log.close()


def test_another_log_is_refused(tmp_path: Path) -> None:
    _filled(tmp_path / "log", [b"a"])
    with pytest.raises(ConfigurationError, match="not this appliance's log"):
        LogFile.open(tmp_path / "log", "other")


def test_a_disk_that_takes_no_more_leaves_the_file_as_it_was(tmp_path: Path) -> None:
    import resource
    import signal

    file = tmp_path / "log"
    log = LogFile.open(file, "l")
    log.append([b"a"])
    size = file.stat().st_size
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        with pytest.raises(ApplianceError, match="can't be written"):
            log.append([b"x" * 60_000, b"y" * 60_000])
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, handler)
    assert file.stat().st_size == size
    assert log.append([b"b"]) == 1
    log.close()
    assert list(read_log(file)) == [b"a", b"b"]


def test_a_length_of_nonsense_is_an_altered_record(tmp_path: Path) -> None:
    file = tmp_path / "log"
    _filled(file, [b"a"])
    content = file.read_bytes().rstrip(b"\x00")
    file.write_bytes(content + struct.pack(">I", 2**31) + b"x" * 100)
    with pytest.raises(ConfigurationError, match="was altered"):
        list(read_log(file))
