"""What the configuration gives processes beyond their row of the table: a network HSM, a vendor's files; and what it must not."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from signer.app.process_reach import check_log_apart
from signer.config import load_config
from signer.errors import ConfigurationError
from tests.conftest import free_port_base
from tests.made_appliances import make

_ROOT = Path(__file__).parents[3]
_PROBE = Path(__file__).with_name("process_reach_probe.py")
_OUTSIDE_AUTHORITY = '[timestamps]\nurl = "https://tsa.example.cn/"\nanchors = "ca.pem"\n'
_MORE = 'writable = ["token", "vendor"]\nnetwork = true\nwritable_code = true\n'


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A made appliance that doesn't run; its configuration file."""
    directory = tmp_path_factory.mktemp("reach")
    make(directory, free_port_base())
    (directory / "vendor").mkdir()
    return directory / "signer.toml"


@pytest.fixture(scope="module")
def listening() -> Iterator[int]:
    """A port where a network HSM would be."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


def _probe(process: str, config: Path, port: int) -> dict[str, Any]:
    ended = subprocess.run(
        [sys.executable, str(_PROBE), process, str(config), str(port)],
        cwd=_ROOT,
        env={"PYTHONPATH": str(_ROOT)},
        capture_output=True,
        check=True,
        timeout=120,
    )
    outcomes: dict[str, Any] = json.loads(ended.stdout)
    return outcomes


def _changed(demo: Path, name: str, old: str, new: str) -> Path:
    changed = demo.with_name(name)
    text = demo.read_text(encoding="utf-8")
    assert old in text
    changed.write_text(text.replace(old, new), encoding="utf-8")
    return changed


@pytest.mark.parametrize("process", ["worker", "log-writer"])
def test_what_is_not_said_is_denied(process: str, demo: Path, listening: int) -> None:
    worker = process == "worker"
    assert _probe(process, demo, listening) == {
        "connect": "EACCES" if worker else "EPERM",
        "bind own port": "done" if worker else "EPERM",
        "bind another": "EACCES" if worker else "EPERM",
        "write the log": "EACCES" if worker else "done",
        "write the archive": "done" if worker else "EACCES",
        "write a vendor's file": "EACCES",
        "no writable code": True,
    }


@pytest.mark.parametrize("process", ["worker", "log-writer"])
def test_a_network_hsm_is_reached_and_nothing_else_changes(process: str, demo: Path, listening: int) -> None:
    worker = process == "worker"
    config = _changed(demo, "network.toml", 'writable = ["token"]\n', _MORE)
    assert _probe(process, config, listening) == {
        "connect": "done",
        "bind own port": "done" if worker else "EACCES",
        "bind another": "EACCES",
        "write the log": "EACCES" if worker else "done",
        "write the archive": "done" if worker else "EACCES",
        "write a vendor's file": "done",
        "no writable code": False,
    }


def test_the_log_below_what_workers_write_is_refused_in_production(
    demo: Path, caplog: pytest.LogCaptureFixture
) -> None:
    development = _changed(demo, "mixed.toml", "state/database/signer.db", "state/signer.db")
    check_log_apart(load_config(development))
    assert "the log's directory lies below it" in caplog.text
    stamped = _changed(development, "stamped.toml", "[timestamps]\n", _OUTSIDE_AUTHORITY)
    production = _changed(
        stamped,
        "mixed-production.toml",
        'mode = "development"',
        'mode = "production"\ngrants = {required = 2}\nclock = {sources = ["kernel"]}',
    )
    with pytest.raises(ConfigurationError, match="log's directory lies below"):
        check_log_apart(load_config(production))


def test_what_a_module_writes_must_be_there(demo: Path) -> None:
    config = _changed(demo, "missing.toml", 'writable = ["token"]\n', 'writable = ["tokens"]\n')
    with pytest.raises(ConfigurationError, match="there is no such file or directory"):
        load_config(config)


def test_processes_share_no_user(demo: Path) -> None:
    config = demo.with_name("shared.toml")
    users = '\n[processes]\nfront_user = "www-data"\nexporter_user = "www-data"\n'
    config.write_text(demo.read_text(encoding="utf-8") + users, encoding="utf-8")
    with pytest.raises(ConfigurationError, match="another process's user"):
        load_config(config)


def test_the_example_configuration_can_be_read_and_keeps_nothing_where_it_may_not_write() -> None:
    config = load_config(_ROOT / "deploy" / "signer.example.toml")
    assert config.production
    check_log_apart(config)
    state = Path("/var/lib/signer")
    written = (
        *(
            config.keyed_digest_file,
            config.drills_directory,
            config.blobs.directory,
            config.grants.approval.version_file,
        ),
        *(config.log.directory, config.log.head_file, config.clock.memory_file, config.token.attempts_directory),
        *(config.log_token.attempts_directory, Path(config.database.url.removeprefix("sqlite:///"))),
    )
    assert [path for path in written if state not in path.parents] == []
