"""What RFC 8998 needs of OpenSSL and pyOpenSSL doesn't offer, from `cryptography`'s private bindings. Only this module uses them.

Groups, signature algorithms, the name to verify, an ALPN refusal that is an alert, and bytes with fewer copies. Private means that
the next version may take it away: versions are pinned, each call is checked, and `signer.transport.smtls.self_test` proves the
result at every start.
"""

from __future__ import annotations

import ipaddress
from typing import Any

from cryptography.hazmat.bindings._rust import _openssl
from OpenSSL import SSL

from signer.smtls.errors import SmTlsError, SmTlsReason

_lib: Any = _openssl.lib
_ffi: Any = _openssl.ffi
_allocate: Any = _ffi.new_allocator(should_clear_after_alloc=False)
_memory: Any = _ffi.new("char **")  # where a BIO's bytes are: written, never read

# what an ALPN callback answers, from ssl.h: taken, and end the handshake by an alert
_ALPN_TAKEN, _ALPN_FATAL = 0, 2
_H2 = b"h2"
_H2_OFFERED = bytes((len(_H2),)) + _H2
_h2_buffer = _ffi.new("unsigned char[]", _H2)  # lives as long as the process: OpenSSL keeps a pointer to it


def library_version() -> str:
    """E.g. "OpenSSL 4.0.3 29 Sep 2026": the library inside the wheel, not the system's."""
    return SSL.OpenSSL_version(SSL.OPENSSL_VERSION).decode("ascii")


def set_groups(context: SSL.Context, groups: str) -> None:
    """The key exchange groups, best first. Raises SmTlsError (LIBRARY_UNFIT)."""
    _check(_lib.SSL_CTX_set1_curves_list(_raw(context), groups.encode("ascii")), f"the groups {groups}")


def set_signature_algorithms(context: SSL.Context, algorithms: str) -> None:
    """What may sign handshakes and certificates. Raises SmTlsError (LIBRARY_UNFIT)."""
    done = _lib.SSL_CTX_set1_sigalgs_list(_raw(context), algorithms.encode("ascii"))
    _check(done, f"the signature algorithms {algorithms}")


def verify_host(connection: SSL.Connection, host: str) -> None:
    """Lets the handshake fail unless the server's certificate names this host, a DNS name or an address."""
    parameters = _lib.SSL_get0_param(connection._ssl)
    try:
        address = ipaddress.ip_address(host).packed
    except ValueError:
        name = host.encode("ascii")
        _check(_lib.X509_VERIFY_PARAM_set1_host(parameters, name, len(name)), "the server's name")
        connection.set_tlsext_host_name(name)  # RFC 6066, 3: names only, no addresses
    else:
        _check(_lib.X509_VERIFY_PARAM_set1_ip(parameters, address, len(address)), "the server's address")


def read_plain(connection: SSL.Connection, size: int) -> tuple[bytes, SSL.Error | None]:
    """Up to `size` plain bytes, and why no more came: what `SSL.Connection.recv` raises, None where there was no more room.

    pyOpenSSL's `recv` allocates and copies anew for each record.
    """
    ssl = connection._ssl
    buffer = _allocate("char[]", size)
    filled = 0
    while filled < size:
        count = _lib.SSL_read(ssl, buffer + filled, size - filled)
        if count <= 0:
            return _ffi.buffer(buffer, filled)[:], _read_problem(connection, count)
        filled += count
    return _ffi.buffer(buffer, filled)[:], None


def _read_problem(connection: SSL.Connection, count: int) -> SSL.Error:
    try:
        connection._raise_ssl_error(connection._ssl, count)
    except SSL.Error as problem:
        return problem
    return SSL.Error([])  # never reached: SSL_read has no other reason for less than a byte


def outgoing(connection: SSL.Connection) -> bytes:
    """What the connection has for the network, in one go; b"" where it has nothing."""
    size = _lib.BIO_get_mem_data(connection._from_ssl, _memory)
    return connection.bio_read(size) if size > 0 else b""


def accept_only_h2(context: SSL.Context) -> None:
    """ALPN must offer h2; other offers end the handshake with no_application_protocol (RFC 7301, 3.2).

    A client without the extension isn't asked by OpenSSL at all: `TlsStream` refuses it when the handshake is done.
    """
    _lib.SSL_CTX_set_alpn_select_cb(_raw(context), _select_h2, _ffi.NULL)


@_ffi.callback("int (*)(SSL *, unsigned char **, unsigned char *, const unsigned char *, unsigned int, void *)")  # type: ignore[untyped-decorator]  # cffi has no types here
def _select_h2(_ssl: Any, chosen: Any, chosen_length: Any, offered: Any, length: int, _argument: Any) -> int:
    offers: bytes = _ffi.buffer(offered, length)[:]
    position = 0
    while position < length:
        end = position + 1 + offers[position]
        if offers[position:end] == _H2_OFFERED:
            chosen[0] = _h2_buffer
            chosen_length[0] = len(_H2)
            return _ALPN_TAKEN
        position = end
    return _ALPN_FATAL


def _raw(context: SSL.Context) -> Any:
    return context._context


def _check(done: int, what: str) -> None:
    if done != 1:
        _lib.ERR_clear_error()
        raise SmTlsError(
            SmTlsReason.LIBRARY_UNFIT,
            f"{library_version()} refuses {what}",
            "Install exactly the versions in requirements.lock.",
        )
