"""[clock] of signer.toml → ClockConfig. In production there must be a source that the clock is compared with."""

from __future__ import annotations

from pathlib import Path

from signer.clock import ClockConfig
from signer.clock.sources import parse_source
from signer.strict_toml import StrictTable


def read_clock(table: StrictTable, run_directory: Path, *, production: bool) -> ClockConfig:
    """Reads the table. Raises ConfigurationError as `load_config`."""
    sources = table.strings("sources", ())
    for source in sources:
        try:
            parse_source(source)
        except ValueError:
            raise table.fault(
                "sources", f"{source!r} is not a source", 'Allowed: "kernel", "ntp://HOST[:PORT]".'
            ) from None
    if len(set(sources)) != len(sources):
        raise table.fault(
            "sources", "a source stands there twice", "Name each once: more than half of them must agree."
        )
    if production and not sources:
        raise table.fault(
            "sources",
            'mode = "production" asks for a source of time',
            'Name NTP servers of your own (better three than one), or "kernel" where chrony keeps the clock.',
        )
    config = ClockConfig(
        sources=sources,
        max_difference=table.number("max_difference_seconds", 1.0, low=0.05, high=60),
        ask_every=table.integer("ask_every_seconds", 64, low=1, high=3600),
        unconfirmed=table.integer("unconfirmed_seconds", 3600, low=1, high=86_400),
        published_file=run_directory / "clock" / "verdict.json",
        memory_file=table.path("memory", "state/clock/latest"),
    )
    table.finish()
    return config
