"""`make serve`: keeps the demo appliance up until Ctrl-C and says how to use it."""

from __future__ import annotations

import argparse
import subprocess
import sys

from demo.__main__ import DIRECTORY
from demo.appliance import METRICS_OFFSET, PORTAL_OFFSET, ApplianceDidNotStart, running

_HINTS = """\
gRPC (mutual TLS)   127.0.0.1:{port}      profile {directory}/clients/core/profile.toml
验真 portal          http://127.0.0.1:{portal}/verify
metrics, health     http://127.0.0.1:{metrics}/metrics  /healthz  /readyz
logs                {directory}/serve.log

try, in another shell:
  .venv/bin/signer keys list
  .venv/bin/signer issue --template policy/commercial --sample --out policy.pdf
  .venv/bin/signer verify-document policy.pdf
Ctrl-C drains and stops."""


def main() -> int:
    """Runs until it is interrupted."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port-base", type=int, default=7443)
    options = parser.parse_args()
    try:
        with running(DIRECTORY, options.port_base) as process:
            print(
                _HINTS.format(
                    port=options.port_base,
                    portal=options.port_base + PORTAL_OFFSET,
                    metrics=options.port_base + METRICS_OFFSET,
                    directory=DIRECTORY,
                ),
                flush=True,
            )
            return process.wait()
    except ApplianceDidNotStart as problem:
        print(problem, file=sys.stderr)
        return 1
    except subprocess.CalledProcessError as problem:
        return problem.returncode
    except KeyboardInterrupt:
        return 0


if __name__ == "__main__":
    sys.exit(main())
