"""What `make demo` shows, shown by the session's appliance: the README's first command must not be the last to be tried."""

from __future__ import annotations

import subprocess
import sys

from tests.conftest import RunningAppliance


def test_every_step_of_the_demo_shows_what_it_should(appliance: RunningAppliance) -> None:
    command = [sys.executable, "-m", "demo.client", "--directory", str(appliance.directory)]
    shown = subprocess.run(
        [*command, "--port-base", str(appliance.port)], capture_output=True, text=True, timeout=240, check=False
    )
    assert shown.returncode == 0, shown.stdout + shown.stderr
