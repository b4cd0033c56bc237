"""The tokens that hold the keys, as they describe themselves. A development token is flagged: it protects nothing."""

from __future__ import annotations

from collections.abc import Callable

from hsm.token_information import TokenInformation
from signer.evidence.fact import Fact, FactKind, Observation, Probe, judged


def _describe(read: Callable[[], TokenInformation]) -> Observation:
    token = read()
    facts = [
        Fact("label", "令牌标签", token.label, FactKind.SETTING),
        Fact("manufacturer", "制造商", token.manufacturer, FactKind.SETTING),
        Fact("model", "型号", token.model, FactKind.VERSION),
        Fact("development", "开发令牌", "yes" if token.is_development else "no", FactKind.SETTING),
    ]
    # Nothing here knows whether a model is certified: the certificate is the insurer's to show.
    return judged(
        not token.is_development,
        ("令牌不是开发令牌；是否经认证须由单位出示证书。", "这是开发令牌：软件实现、未经认证，不能用于生产。"),
        (
            "Not a development token; its certificate is the insurer's to show.",
            "A development token: software, not certified, not for production.",
        ),
        facts,
    )


PROBES = (
    Probe("hsm-token", "签名密钥令牌", "The token with the signing keys", lambda s: _describe(s.read_token)),
    Probe("log-token", "日志密钥令牌", "The token with the log's key", lambda s: _describe(s.read_log_token)),
)
