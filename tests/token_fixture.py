"""Fresh SoftHSM tokens for tests of the hsm package. SOFTHSM2_CONF is read once in a process: several tokens need several processes."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

from hsm.pin import PinSource
from hsm.token_config import ModuleConfig, TokenConfig

NATIVE = Path(__file__).resolve().parents[1] / "build" / "native"
SOFTHSM = Path("/usr/lib/softhsm/libsofthsm2.so")
PIN = "73195528"


def make_token(folder: Path, *, profile: str = "softtoken", sessions: int = 4) -> TokenConfig:
    """A token labelled "tests" under `folder`: softtoken over SoftHSM, or plain SoftHSM for the profile "softhsm"."""
    (folder / "tokens").mkdir(parents=True)
    settings = folder / "softhsm2.conf"
    settings.write_text(f"directories.tokendir = {folder}/tokens\nobjectstore.backend = file\nlog.level = ERROR\n")
    command = ["softhsm2-util", "--init-token", "--free", "--label", "tests", "--so-pin", "12345678", "--pin", PIN]
    subprocess.run(command, check=True, capture_output=True, env={**os.environ, "SOFTHSM2_CONF": str(settings)})
    pin = folder / "pin"
    pin.touch(0o600)
    pin.write_text(PIN)
    module = SOFTHSM if profile == "softhsm" else NATIVE / "libsofttoken.so"
    return TokenConfig(
        module=ModuleConfig(module, NATIVE / "liblocking.so", {"SOFTHSM2_CONF": str(settings)}),
        profile=profile,
        label="tests",
        pin=PinSource(file=pin),
        sessions=sessions,
        attempts_directory=folder / "pin-attempts",
    )
