"""The live site's acts that need no appliance: a real HSM is the operator's to disconnect, and a drill undoes what it did."""

from __future__ import annotations

import json
import resource
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import NoReturn

import pytest

from signer.app.drill_sites import LiveSite
from signer.config import ApplianceConfig, load_config
from signer.evidence.drills.site import StepFailed
from signer.evidence.remote import RemoteAppliance
from tests.conftest import free_port_base
from tests.made_appliances import make


class NobodyAsked:
    """Stands where a `RemoteAppliance` would: these acts ask none."""


_REMOTE: RemoteAppliance = NobodyAsked()  # type: ignore[assignment]  # see there


@pytest.fixture(scope="module")
def config(tmp_path_factory: pytest.TempPathFactory) -> ApplianceConfig:
    """Of a made appliance that doesn't run."""
    directory = tmp_path_factory.mktemp("stopped")
    make(directory, free_port_base())
    return load_config(directory / "signer.toml")


@pytest.fixture
def sleeper(config: ApplianceConfig) -> Iterator[int]:
    """A process that the state file names as the log writer."""
    with subprocess.Popen([sys.executable, "-c", "import time; time.sleep(300)"]) as process:
        config.run_directory.mkdir(exist_ok=True)
        state = {"children": {"log-writer": {"pid": process.pid, "ready": True}}}
        (config.run_directory / "children.json").write_text(json.dumps(state))
        yield process.pid
        process.kill()


def test_a_development_token_goes_and_comes_back_by_itself(config: ApplianceConfig) -> None:
    site = LiveSite(config, _REMOTE, _nobody)
    tokens = config.file.parent / "token" / "tokens"
    site.take_token_away()
    assert not tokens.exists()
    site.restore()  # as after an interruption
    assert any(tokens.iterdir())
    site.return_token()
    site.restore()
    assert any(tokens.iterdir())


def _nobody(_: str) -> NoReturn:
    raise EOFError


def test_a_real_hsm_is_the_operators_to_disconnect(config: ApplianceConfig) -> None:
    real = replace(config, token=replace(config.token, profile="a-vendor"))
    asked: list[str] = []
    site = LiveSite(real, _REMOTE, asked.append)
    site.take_token_away()
    site.return_token()
    assert ["disconnect" in asked[0], "connect" in asked[1]] == [True, True]
    with pytest.raises(StepFailed, match="操作人"):
        LiveSite(real, _REMOTE, _nobody).take_token_away()


def test_the_log_writers_limit_is_set_and_taken_back(config: ApplianceConfig, sleeper: int) -> None:
    before = resource.prlimit(sleeper, resource.RLIMIT_FSIZE)
    site = LiveSite(config, _REMOTE, _nobody)
    site.fill_log_disk()
    assert resource.prlimit(sleeper, resource.RLIMIT_FSIZE)[0] == config.log.file.stat().st_size
    site.restore()
    assert resource.prlimit(sleeper, resource.RLIMIT_FSIZE) == before


def test_no_key_is_compromised_on_the_live_system(config: ApplianceConfig) -> None:
    with pytest.raises(StepFailed, match="不可逆"):
        LiveSite(config, _REMOTE, _nobody).register_compromise("message-sm2@1")
    assert Path(config.file).is_file()
