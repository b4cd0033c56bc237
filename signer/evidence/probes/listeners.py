"""The listeners: what the configuration says, and whether they really refuse who has no certificate or speaks ordinary TLS."""

from __future__ import annotations

import socket
import ssl

from signer.evidence.fact import Fact, FactKind, Observation, Probe, contrary, judged, shown, unknown
from signer.evidence.surroundings import ListenerFacts, Surroundings

_TIMEOUT_S = 5.0
_TITLES = {"lan": "内部接口", "public": "公网接口", "portal": "验真门户", "monitoring": "监控接口"}


def _configured(surroundings: Surroundings) -> Observation:
    facts = []
    for listener in surroundings.listeners:
        title = _TITLES[listener.kind]
        facts.append(Fact(f"{listener.kind}.address", f"{title}地址", _address(listener), FactKind.SETTING))
        facts.append(Fact(f"{listener.kind}.transport", f"{title}传输", listener.transport, FactKind.SETTING))
        facts += [
            Fact(f"{listener.kind}.{name}", f"{title} {name}", value, FactKind.SETTING)
            for name, value in listener.settings
        ]
    plain = [_TITLES[listener.kind] for listener in surroundings.listeners if listener.transport == "plain"]
    return judged(
        not plain,
        ("没有明文的业务接口。", f"存在明文接口：{'、'.join(plain)}。"),
        ("No listener for calls is plain.", "A listener for calls is plain."),
        facts,
    )


def _needs_certificate(surroundings: Surroundings) -> Observation:
    lan = _of_kind(surroundings, "lan")
    if lan is None or lan.transport == "plain":
        return contrary("内部接口为明文，不要求客户端证书。", "The LAN listener is plain: no certificate is asked for.")
    files = surroundings.client_files
    context = ssl.create_default_context(cafile=str(files.authority))
    context.set_alpn_protocols(["h2"])
    refused = _is_refused(context, lan, files.server_name)
    context.load_cert_chain(files.certificate, files.key)
    version, cipher = _handshake(context, lan, files.server_name)
    facts = [
        Fact("negotiated.version", "协商的协议", version, FactKind.SETTING),
        Fact("negotiated.suite", "协商的套件", cipher, FactKind.SETTING),
        Fact("without-certificate", "无客户端证书的连接", "refused" if refused else "accepted", FactKind.SETTING),
    ]
    return judged(
        refused,
        ("没有客户端证书的连接被拒绝，有证书的连接成功。", "没有客户端证书的连接未被拒绝。"),
        (
            "A connection without a certificate is refused, one with it succeeds.",
            "A connection without a certificate is accepted.",
        ),
        facts,
    )


def _public_refuses_other_tls(surroundings: Surroundings) -> Observation:
    public = _of_kind(surroundings, "public")
    if public is None:
        return unknown("没有配置公网接口。", "No public listener is configured.")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    # Ordinary suites are to be refused, whoever the server is: nothing is sent, so nothing needs to be verified.
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    refused = _is_refused(context, public, "")
    return judged(
        refused,
        ("公网接口拒绝普通 TLS，只接受国密套件。", "公网接口接受了普通 TLS。"),
        ("The public listener refuses ordinary TLS.", "The public listener accepted ordinary TLS."),
        [Fact("ordinary-tls", "普通 TLS 的连接", "refused" if refused else "accepted", FactKind.SETTING)],
    )


def _address(listener: ListenerFacts) -> str:
    return f"{listener.host}:{listener.port}"


def _of_kind(surroundings: Surroundings, kind: str) -> ListenerFacts | None:
    return next((listener for listener in surroundings.listeners if listener.kind == kind), None)


def _is_refused(context: ssl.SSLContext, listener: ListenerFacts, server_name: str) -> bool:
    """Whether the server ends the connection. In TLS 1.3 it does so after the client's handshake: the first read tells.

    Raises:
        OSError: nobody listens there: that is no refusal.
    """
    with socket.create_connection((listener.host, listener.port), _TIMEOUT_S) as plain:
        try:
            with context.wrap_socket(plain, server_hostname=server_name or listener.host) as secured:
                return secured.recv(1) == b""
        except (ssl.SSLError, ConnectionError):
            return True
        except TimeoutError:
            return False


def _handshake(context: ssl.SSLContext, listener: ListenerFacts, server_name: str) -> tuple[str, str]:
    with (
        socket.create_connection((listener.host, listener.port), _TIMEOUT_S) as plain,
        context.wrap_socket(plain, server_hostname=server_name or listener.host) as secured,
    ):
        secured.recv(1)  # the server's SETTINGS: it has taken the certificate
        cipher = secured.cipher()
        return secured.version() or "", cipher[0] if cipher else ""


def _serving(surroundings: Surroundings) -> Observation:
    serving = surroundings.remote.is_serving()
    facts = [Fact("health", "健康检查", "SERVING" if serving else "NOT_SERVING")]
    if serving:
        return shown("系统正在服务，最近一次试签成功。", "It serves; the last real signature succeeded.", facts)
    return contrary("系统此刻不能签名。", "It can't sign now.", facts)


PROBES = (
    Probe("listeners", "接口配置", "Listeners as configured", _configured),
    Probe("client-certificate", "客户端证书", "Client certificates are asked for", _needs_certificate),
    Probe("public-listener", "公网国密接口", "The public listener refuses ordinary TLS", _public_refuses_other_tls),
    Probe("serving", "服务状态", "It serves", _serving),
)
