"""The few functions of OpenSSL's libcrypto.so.3 that SM2 needs, through cffi's ABI mode. Only this room calls them.

`cryptography` can't load SM2 keys; hashlib has SM3 already. cffi releases the GIL during every call; a key may be used
by many threads at once because every verification has an EVP_PKEY_CTX of its own.
"""

from __future__ import annotations

from typing import Any

import cffi

ffi = cffi.FFI()
ffi.cdef(
    """
    typedef ... EVP_PKEY;
    typedef ... EVP_PKEY_CTX;
    typedef ... ENGINE;
    EVP_PKEY *d2i_PUBKEY(EVP_PKEY **a, const unsigned char **pp, long length);
    void EVP_PKEY_free(EVP_PKEY *);
    EVP_PKEY_CTX *EVP_PKEY_CTX_new(EVP_PKEY *, ENGINE *);
    void EVP_PKEY_CTX_free(EVP_PKEY_CTX *);
    int EVP_PKEY_verify_init(EVP_PKEY_CTX *);
    int EVP_PKEY_verify(EVP_PKEY_CTX *, const unsigned char *, size_t, const unsigned char *, size_t);
    EVP_PKEY *EVP_PKEY_Q_keygen(void *, const char *, const char *, ...);
    EVP_PKEY *d2i_AutoPrivateKey(EVP_PKEY **a, const unsigned char **pp, long length);
    int i2d_PUBKEY(const EVP_PKEY *a, unsigned char **pp);
    void *EVP_PKEY2PKCS8(const EVP_PKEY *);
    int i2d_PKCS8_PRIV_KEY_INFO(const void *a, unsigned char **pp);
    void PKCS8_PRIV_KEY_INFO_free(void *);
    int EVP_PKEY_sign_init(EVP_PKEY_CTX *);
    int EVP_PKEY_sign(EVP_PKEY_CTX *, unsigned char *, size_t *, const unsigned char *, size_t);
    void ERR_clear_error(void);
    const char *OpenSSL_version(int);
    """
)
lib: Any = ffi.dlopen("libcrypto.so.3")


def version() -> str:
    """The version text of the loaded library, e.g. "OpenSSL 3.0.22 25 Aug 2026"."""
    text: bytes = ffi.string(lib.OpenSSL_version(0))
    return text.decode("ascii")


class LoadedKey:
    """An EVP_PKEY, and contexts that are ready to verify with it.

    EVP_PKEY_verify may be called more than once after one EVP_PKEY_verify_init (its manual page); making a context anew for
    each signature costs memory, look-ups in the provider, and four more turns at the GIL. A context serves one thread at a time.
    """

    def __init__(self, key: Any) -> None:
        self._key = key
        self._idle: list[Any] = []  # append and pop are atomic

    def context(self) -> Any:
        """An EVP_PKEY_CTX that nobody else uses. Raises MemoryError."""
        try:
            return self._idle.pop()
        except IndexError:
            context = lib.EVP_PKEY_CTX_new(self._key, ffi.NULL)
        if context == ffi.NULL:
            raise MemoryError("EVP_PKEY_CTX_new")
        context = ffi.gc(context, lib.EVP_PKEY_CTX_free)
        if lib.EVP_PKEY_verify_init(context) != 1:
            raise MemoryError("EVP_PKEY_verify_init")
        return context

    def keep(self, context: Any) -> None:
        """Takes a context back for the next signature."""
        self._idle.append(context)


def load_public_key(spki: bytes) -> LoadedKey | None:
    """A key that frees itself, or None where OpenSSL refuses the SubjectPublicKeyInfo."""
    data = ffi.from_buffer(spki)
    pointer = ffi.new("const unsigned char **", data)
    key = lib.d2i_PUBKEY(ffi.NULL, pointer, len(spki))
    if key == ffi.NULL:
        lib.ERR_clear_error()
        return None
    return LoadedKey(ffi.gc(key, lib.EVP_PKEY_free))


def verify_prehashed(key: LoadedKey, digest: bytes, signature: bytes) -> bool:
    """True only where EVP_PKEY_verify returns exactly 1: 0 is a wrong signature, negative values are errors."""
    context = key.context()
    right: bool = lib.EVP_PKEY_verify(context, signature, len(signature), digest, len(digest)) == 1
    if right:
        key.keep(context)
    else:
        lib.ERR_clear_error()  # and the context goes: what an error leaves in it is nobody's business
    return right


def generate_sm2_key() -> Any:
    """A new SM2 key pair, an EVP_PKEY that frees itself."""
    key = lib.EVP_PKEY_Q_keygen(ffi.NULL, ffi.NULL, b"SM2")  # "EC" with this curve would sign by ECDSA
    if key == ffi.NULL:
        raise MemoryError("EVP_PKEY_Q_keygen")
    return ffi.gc(key, lib.EVP_PKEY_free)


def load_private_key(der: bytes) -> Any:
    """An EVP_PKEY that frees itself, from PKCS#8 or ECPrivateKey, DER. Raises ValueError where OpenSSL refuses it."""
    data = ffi.from_buffer(der)
    key = lib.d2i_AutoPrivateKey(ffi.NULL, ffi.new("const unsigned char **", data), len(der))
    if key == ffi.NULL:
        lib.ERR_clear_error()
        raise ValueError("not a private key")
    return ffi.gc(key, lib.EVP_PKEY_free)


def encode_public_key(key: Any) -> bytes:
    """SubjectPublicKeyInfo, DER."""
    return _encoded(lib.i2d_PUBKEY, key)


def encode_private_key(key: Any) -> bytes:
    """PKCS#8, DER, not encrypted."""
    information = lib.EVP_PKEY2PKCS8(key)
    if information == ffi.NULL:
        raise MemoryError("EVP_PKEY2PKCS8")
    try:
        return _encoded(lib.i2d_PKCS8_PRIV_KEY_INFO, information)
    finally:
        lib.PKCS8_PRIV_KEY_INFO_free(information)


def sign_prehashed(key: Any, digest: bytes) -> bytes:
    """A DER signature over a digest."""
    context = lib.EVP_PKEY_CTX_new(key, ffi.NULL)
    if context == ffi.NULL:
        raise MemoryError("EVP_PKEY_CTX_new")
    try:
        signature = ffi.new("unsigned char[]", 128)
        length = ffi.new("size_t *", 128)
        if (
            lib.EVP_PKEY_sign_init(context) != 1
            or lib.EVP_PKEY_sign(context, signature, length, digest, len(digest)) != 1
        ):
            raise MemoryError("EVP_PKEY_sign")
        return bytes(ffi.buffer(signature, length[0]))
    finally:
        lib.EVP_PKEY_CTX_free(context)


def _encoded(encode: Any, thing: Any) -> bytes:
    """What an i2d function writes: asked for the length first, then for the bytes."""
    length: int = encode(thing, ffi.NULL)
    if length <= 0:
        raise MemoryError("i2d")
    buffer = ffi.new("unsigned char[]", length)
    encode(thing, ffi.new("unsigned char **", buffer))
    return bytes(ffi.buffer(buffer, length))
