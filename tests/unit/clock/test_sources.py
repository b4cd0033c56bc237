"""Asking NTP servers: a stand-in on a real socket that answers by RFC 5905, rightly and in every wrong way."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest

from signer.clock.sources import KernelSource, NtpSource, Reading, SourceSilent, parse_source
from tests.stand_in_ntp_server import StandInNtpServer


def _ask(change: Callable[[bytearray], None] = lambda _: None, ahead: float = 0.0) -> Reading:
    with StandInNtpServer(ahead=ahead, change=change) as server:
        return parse_source(server.url).read()


@pytest.mark.parametrize("ahead", [0.0, 7.5, -7.5, 86_400.0])
def test_the_difference_is_told(ahead: float) -> None:
    reading = _ask(ahead=ahead)
    assert abs(reading.difference - ahead) <= reading.uncertainty + 0.001


def test_the_next_era_of_ntp_is_the_same_time() -> None:
    """In February 2036 the seconds begin at zero again (RFC 5905 clause 6)."""
    after = 2_085_978_496 + 1000.0  # of 1970
    with StandInNtpServer(wall=lambda: after) as server:
        reading = NtpSource("next era", "127.0.0.1", server.port, wall=lambda: after).read()
    assert abs(reading.difference) < 1


def _set(place: int, value: int) -> Callable[[bytearray], None]:
    def change(answer: bytearray) -> None:
        answer[place] = value

    return change


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (_set(0, 0b11_100_100), "does not know the time"),  # leap indicator: not synchronised
        (_set(0, 0b00_100_011), "no answer to our question"),  # mode: client
        (_set(1, 0), "does not know the time"),  # stratum 0: kiss of death
        (_set(1, 16), "does not know the time"),
        (_set(24, 99), "no answer to our question"),  # another cookie: somebody guesses
        (lambda answer: answer.__delitem__(slice(20, None)), "too short"),
        (lambda answer: answer.__setitem__(slice(40, 48), bytes(8)), "no answer to our question"),
    ],
)
def test_what_is_no_answer(change: Callable[[bytearray], None], told: str) -> None:
    with pytest.raises(SourceSilent, match=told):
        _ask(change)


def test_nobody_there() -> None:
    with StandInNtpServer() as server:
        source = parse_source(server.url)
    started = time.monotonic()
    with pytest.raises(SourceSilent, match="no answer"):
        source.read()
    assert time.monotonic() - started < 30


@pytest.mark.parametrize("text", ["", "ntp://", "ntp:host", "http://host", "ntp://host/path", "ntp://u@host", "chrony"])
def test_what_is_no_source(text: str) -> None:
    with pytest.raises(ValueError, match=r".*"):
        parse_source(text)


def test_the_kernel_says_something_of_its_clock() -> None:
    """Whether a time daemon runs here or not."""
    said: Reading | str
    try:
        said = KernelSource().read()
    except SourceSilent as silent:
        said = str(silent)
    if isinstance(said, str):
        assert "no time daemon" in said
    else:
        assert said.difference == 0.0
        assert 0 <= said.uncertainty < 1000
