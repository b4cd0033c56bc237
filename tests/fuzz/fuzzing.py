"""Runs one target under atheris (libFuzzer), with limits on time and memory for each input. `make fuzz` runs all.

    python -m tests.fuzz.fuzzing verifier -max_total_time=600

Arguments behind the target's name are libFuzzer's. What is found lies in build/fuzz/<target>; inputs that end a run are
kept there as crash-*, timeout-* and oom-*. Seeds: tests/fuzz/corpus/<target>.
"""

from __future__ import annotations

import logging
import sys
from pathlib import Path

import atheris

_ROOT = Path(__file__).parents[2]
_LIMITS = {"verifier": ("-timeout=20", "-max_len=65536"), "cms": ("-timeout=5",), "seal": ("-timeout=5",)}
_INSTRUMENTED = ["signer", "pyhanko", "pyhanko_certvalidator", "asn1crypto"]


def main() -> None:
    """Does not return: libFuzzer ends the process."""
    name, *options = sys.argv[1:]
    with atheris.instrument_imports(include=_INSTRUMENTED, enable_loader_override=False):
        from tests.fuzz.fuzz_targets import TARGETS
    logging.disable(logging.CRITICAL)
    found = _ROOT / "build" / "fuzz" / name
    found.mkdir(parents=True, exist_ok=True)
    places = [] if any(not option.startswith("-") for option in options) else [found, corpus(name)]
    limits = [*_LIMITS[name], "-rss_limit_mb=1024", f"-artifact_prefix={found.parent}/{name}-"]
    atheris.Setup([_again(name, found.parent), *limits, *options, *map(str, places)], TARGETS[name])
    atheris.Fuzz()


def _again(name: str, directory: Path) -> str:
    """A program that starts this target anew: libFuzzer does so for each attempt at a merge."""
    program = directory / f"{name}.sh"
    program.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m tests.fuzz.fuzzing {name} "$@"\n')
    program.chmod(0o755)
    return str(program)


def corpus(name: str) -> Path:
    """Where a target's kept inputs are."""
    return _ROOT / "tests" / "fuzz" / "corpus" / name


if __name__ == "__main__":
    main()
