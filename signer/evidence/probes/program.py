"""What runs: versions, digests of packages and configuration, whether the running one started with these files; test results."""

from __future__ import annotations

import json
import platform
import re
from collections.abc import Iterator
from importlib.metadata import distributions, version
from pathlib import Path

from cryptography.hazmat.backends.openssl.backend import backend as openssl

from signer.algorithms import libcrypto, sm3
from signer.audit.receipt import SignedTree
from signer.audit.tiles import WIDTH, Tiles
from signer.evidence.fact import Fact, FactKind, Observation, Probe, contrary, judged, shown, unknown
from signer.evidence.probes.results_file import read_results
from signer.evidence.surroundings import Surroundings

_MOST_BUNDLES = 400  # of 256 entries: how far back a start is looked for


def _software(surroundings: Surroundings) -> Observation:
    installed = {f"{item.name.lower()}=={item.version}" for item in distributions()}
    facts = [
        Fact("version", "本系统版本", version("signing-appliance"), FactKind.VERSION),
        Fact("python", "Python", platform.python_version(), FactKind.VERSION),
        Fact("openssl", "OpenSSL（验签）", libcrypto.version(), FactKind.VERSION),
        Fact("openssl.smtls", "OpenSSL（国密 TLS）", openssl.openssl_version_text(), FactKind.VERSION),
        *(
            Fact(f"package.{name}", f"软件包 {name}", version(name), FactKind.VERSION)
            for name in ("cryptography", "grpcio", "python-pkcs11", "typst", "pyhanko", "sqlalchemy")
        ),
        Fact("kernel", "内核", f"{platform.system()} {platform.release()}", FactKind.VERSION),
        Fact("packages", "软件包数", str(len(installed)), FactKind.VERSION),
        Fact(
            "packages.sm3",
            "软件包清单 SM3",
            sm3.digest("\n".join(sorted(installed)).encode()).hex(),
            FactKind.VERSION,
        ),
        Fact("lock.sm3", "锁定文件 SM3", _digest(surroundings.lock_file), FactKind.VERSION),
    ]
    return shown("列出了运行的软件及其版本。", "The software that runs and its versions.", facts)


def _configuration(surroundings: Surroundings) -> Observation:
    digests = {file.name: _digest(file) for file in surroundings.configuration_files}
    facts = [Fact("mode", "运行模式", "production" if surroundings.production else "development", FactKind.SETTING)]
    facts += [Fact(f"file.{name}", f"{name} 的 SM3", digest, FactKind.SETTING) for name, digest in digests.items()]
    started = _digests_at_start(surroundings)
    if started is None:
        return unknown("日志中没有找到启动时的配置摘要。", "No start was found in the log.", facts)
    changed = [name for name, digest in digests.items() if name in started and started[name] != digest]
    if changed:
        names = "、".join(changed)
        return contrary(
            f"文件在启动后改动过：{names}（未重启，或授权经重载）。",
            f"changed since the start: {', '.join(changed)} (not restarted, or grants reloaded)",
            facts,
        )
    return shown("运行的系统以这些文件启动（日志可证）。", "The running appliance started with these files.", facts)


def _digests_at_start(surroundings: Surroundings) -> dict[str, str] | None:
    """File name → SM3, from the last "configuration" entry that a start left in the log."""
    for entry in _newest_first(surroundings):
        values = json.loads(entry)
        detail = str(values.get("detail", ""))
        if values.get("kind") == "configuration" and detail.startswith("lan "):
            return dict(re.findall(r"(\S+) ([0-9a-f]{64})", detail))
    return None


def _newest_first(surroundings: Surroundings) -> Iterator[bytes]:
    size = SignedTree(surroundings.log.folder, surroundings.log.key()).checkpoint().size
    tiles = Tiles(surroundings.log.folder)
    last = (size + WIDTH - 1) // WIDTH - 1
    for number in range(last, max(-1, last - _MOST_BUNDLES), -1):
        yield from reversed(tiles.entries(number, size))


def _test_results(surroundings: Surroundings) -> Observation:
    if surroundings.test_results is None:
        return unknown("没有给出测试结果文件。", "No file of test results was given.")
    results = read_results(surroundings.test_results)
    facts = [
        Fact("tests", "测试数", str(results.tests), FactKind.COUNT),
        Fact("failed", "失败", str(results.failed)),
        Fact("skipped", "跳过", str(results.skipped)),
        Fact("file.sm3", "结果文件 SM3", _digest(surroundings.test_results), FactKind.COUNT),
    ]
    return judged(
        results.tests > 0 and results.failed == 0,
        (f"{results.tests} 项测试，无失败。", "有测试失败，或结果为空。"),
        (f"{results.tests} tests, none failed.", "A test failed, or there are none."),
        facts,
    )


def _digest(file: Path) -> str:
    try:
        return sm3.digest(file.read_bytes()).hex()
    except FileNotFoundError:
        return "无此文件"


PROBES = (
    Probe("software", "软件版本", "Software", _software),
    Probe("configuration", "配置", "Configuration", _configuration),
    Probe("test-results", "测试结果", "Test results", _test_results),
)
