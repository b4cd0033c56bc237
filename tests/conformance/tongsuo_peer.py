"""Tongsuo (8.3, inside the wheel tongsuopy) as a TLS 1.3 peer: another implementation of RFC 8998 than the one that we serve with.

Its bindings offer no groups and no strict mode; those two calls go to the same library by ctypes. Tests only: the wheel is of 2023.
"""

from __future__ import annotations

import ctypes
from typing import Any

from tongsuopy.backends import _tongsuo

from signer.certificates.sm2_tls import Sm2TlsPair

_lib: Any = _tongsuo.lib
_ffi: Any = _tongsuo.ffi
_exported = ctypes.CDLL(_tongsuo.__file__)
_TLS1_3 = 0x0304
_SET_GROUPS_LIST = 92  # SSL_CTRL_SET_GROUPS_LIST
_VERIFY_PEER, _FAIL_IF_NO_PEER_CERT = 1, 2
_WANT_READ = 2
_ALPN_H2 = b"\x02h2"


class TongsuoRefuses(Exception):
    """Its own error texts."""


class TongsuoPeer:
    """One connection, bytes in and bytes out, as `TlsStream`."""

    def __init__(
        self, pair: Sm2TlsPair, authority: Sm2TlsPair, *, is_server: bool, suite: str = "TLS_SM4_GCM_SM3"
    ) -> None:
        context = _lib.SSL_CTX_new(_lib.TLS_server_method() if is_server else _lib.TLS_client_method())
        self._context = _ffi.gc(context, _lib.SSL_CTX_free)
        _lib.SSL_CTX_set_min_proto_version(context, _TLS1_3)
        _lib.SSL_CTX_set_max_proto_version(context, _TLS1_3)
        _check(_lib.SSL_CTX_set_ciphersuites(context, suite.encode()))
        raw = ctypes.c_void_p(int(_ffi.cast("uintptr_t", context)))
        _check(_exported.SSL_CTX_ctrl(raw, _SET_GROUPS_LIST, ctypes.c_long(0), b"SM2"))
        _exported.SSL_CTX_enable_sm_tls13_strict(raw)  # RFC 8998's ID in the handshake's signatures
        _check(_lib.SSL_CTX_set1_sigalgs_list(context, b"sm2sig_sm3"))
        _check(_lib.SSL_CTX_use_certificate(context, _certificate(pair)))
        _check(_lib.SSL_CTX_use_PrivateKey(context, _key(pair)))
        _check(_lib.X509_STORE_add_cert(_lib.SSL_CTX_get_cert_store(context), _certificate(authority)))
        _lib.SSL_CTX_set_verify(context, _VERIFY_PEER | (_FAIL_IF_NO_PEER_CERT if is_server else 0), _ffi.NULL)
        if is_server:
            _lib.SSL_CTX_set_alpn_select_cb(context, _take_h2, _ffi.NULL)
        else:
            _lib.SSL_CTX_set_alpn_protos(context, _ALPN_H2, len(_ALPN_H2))
        self._ssl = _ffi.gc(_lib.SSL_new(context), _lib.SSL_free)
        self._incoming, self._outgoing = (_lib.BIO_new(_lib.BIO_s_mem()) for _ in range(2))
        _lib.SSL_set_bio(self._ssl, self._incoming, self._outgoing)
        (_lib.SSL_set_accept_state if is_server else _lib.SSL_set_connect_state)(self._ssl)
        self.is_done = False

    def handshake(self, received: bytes) -> None:
        """Takes the next bytes. Raises TongsuoRefuses."""
        self._take(received)
        done = _lib.SSL_do_handshake(self._ssl)
        if done == 1:
            self.is_done = True
        elif _lib.SSL_get_error(self._ssl, done) != _WANT_READ:
            raise TongsuoRefuses(_errors())

    def outgoing(self) -> bytes:
        """For the other end."""
        buffer = _ffi.new("char[]", 1 << 17)
        count = _lib.BIO_read(self._outgoing, buffer, 1 << 17)
        return bytes(_ffi.buffer(buffer, count)) if count > 0 else b""

    def encrypt(self, plain: bytes) -> bytes:
        """For the other end."""
        assert _lib.SSL_write(self._ssl, plain, len(plain)) == len(plain)
        return self.outgoing()

    def decrypt(self, received: bytes) -> bytes:
        """Plain bytes."""
        self._take(received)
        buffer = _ffi.new("char[]", 1 << 17)
        plain = b""
        while (count := _lib.SSL_read(self._ssl, buffer, 1 << 17)) > 0:
            plain += bytes(_ffi.buffer(buffer, count))
        return plain

    def _take(self, received: bytes) -> None:
        if received:
            assert _lib.BIO_write(self._incoming, received, len(received)) == len(received)


_h2 = _ffi.new("unsigned char[]", b"h2")


@_ffi.callback("int (*)(SSL *, unsigned char **, unsigned char *, const unsigned char *, unsigned int, void *)")
def _take_h2(_ssl: Any, chosen: Any, chosen_length: Any, _offered: Any, _length: int, _argument: Any) -> int:
    chosen[0] = _h2
    chosen_length[0] = 2
    return 0


def _certificate(pair: Sm2TlsPair) -> Any:
    found = _lib.PEM_read_bio_X509(_memory(pair.certificate_pem), _ffi.NULL, _ffi.NULL, _ffi.NULL)
    _check(found != _ffi.NULL)
    return found


def _key(pair: Sm2TlsPair) -> Any:
    found = _lib.PEM_read_bio_PrivateKey(_memory(pair.key.reveal_pem()), _ffi.NULL, _ffi.NULL, _ffi.NULL)
    _check(found != _ffi.NULL)
    return found


def _memory(data: bytes) -> Any:
    bio = _lib.BIO_new(_lib.BIO_s_mem())
    assert _lib.BIO_write(bio, data, len(data)) == len(data)
    return bio


def _check(done: object) -> None:
    if done not in {1}:
        raise TongsuoRefuses(_errors())


def _errors() -> str:
    texts = []
    while code := _lib.ERR_get_error():
        buffer = _ffi.new("char[]", 256)
        _lib.ERR_error_string_n(code, buffer, 256)
        texts.append(_ffi.string(buffer).decode())
    return "; ".join(texts)
