"""The process that asks authorities about revocation: `python -m signer.app.revocation_fetch`. On the network, so without a key or token.

Workers hand it paths that they found to lead to an anchor; it follows the addresses in these certificates to allowed hosts only
(`signer.certificates.revocation_cache`). Several share one socket; each answers one question at a time.
"""

from __future__ import annotations

import base64
import json
import logging
import signal
import socket
import sys

from isolation.pool import serve_pool
from isolation.readiness import say_ready
from isolation.sandbox import forbid_dumps_and_privileges
from monitoring import json_log
from signer.app.child_process import listening_child_options
from signer.app.process_reach import enter_revocation_sandbox
from signer.certificates import Certificate
from signer.certificates.revocation_cache import RevocationCache
from signer.config import load_config
from signer.errors import SignerError

_log = logging.getLogger(__name__)
_REQUEST_BYTES = 512 * 1024
_MAX_CHAIN = 10


def answer(cache: RevocationCache, request: bytes) -> bytes:
    """JSON for JSON: certificates from the leaf to the anchor; lists and responses about them. Base64. Raises nothing."""
    try:
        chain = [Certificate.load(base64.b64decode(text, validate=True)) for text in json.loads(request)[:_MAX_CHAIN]]
        fetched = cache.about(chain)
    except (ValueError, TypeError, RecursionError, SignerError):
        return b"{}"
    return json.dumps(
        {
            "lists": [base64.b64encode(der).decode() for der in fetched.lists],
            "responses": [base64.b64encode(der).decode() for der in fetched.responses],
        }
    ).encode()


def main() -> int:
    """Serves until SIGTERM."""
    options = listening_child_options(__doc__)
    forbid_dumps_and_privileges()
    json_log.configure("revocation")
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    try:
        appliance = load_config(options.config)
        report = enter_revocation_sandbox(appliance)
    except SignerError as problem:
        _log.error(str(problem))
        return 1
    config = appliance.verification
    cache = RevocationCache(config.cache, config.hosts, config.timeout, config.response_bytes)
    listener = socket.socket(fileno=options.listen_fd)
    say_ready(options.ready_fd, report)
    serve_pool(listener, lambda request: answer(cache, request), limit=_REQUEST_BYTES)
    return 0


if __name__ == "__main__":
    sys.exit(main())
