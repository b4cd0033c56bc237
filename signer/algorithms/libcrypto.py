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
