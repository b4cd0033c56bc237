"""`make demo`: makes and starts the demo appliance, then runs the client's part as a process of its own. Ends with "demo: ok"."""

from __future__ import annotations

import argparse
import subprocess
import sys
import time
from pathlib import Path

from demo.appliance import ApplianceDidNotStart, running

DIRECTORY = Path("build/demo")


def main() -> int:
    """0 where every step showed what it should."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port-base", type=int, default=7443)
    options = parser.parse_args()
    started = time.monotonic()
    print(f"demo appliance in {DIRECTORY}/: token, keys, certificates, grants, configuration", flush=True)
    try:
        with running(DIRECTORY, options.port_base):
            print(
                f"started on 127.0.0.1:{options.port_base} (gRPC, mutual TLS): log writer, renderers, inspector, workers",
                flush=True,
            )
            client = subprocess.run(
                [
                    sys.executable,
                    "-m",
                    "demo.client",
                    "--directory",
                    str(DIRECTORY),
                    "--port-base",
                    str(options.port_base),
                ],
                check=False,
            )
    except ApplianceDidNotStart as problem:
        print(f"demo: FAILED: {problem}", file=sys.stderr)
        return 1
    except subprocess.CalledProcessError as problem:
        print(f"demo: FAILED: {' '.join(problem.cmd[2:5])} ended with status {problem.returncode}", file=sys.stderr)
        return 1
    if client.returncode != 0:
        print("demo: FAILED: the step above did not show what it should", file=sys.stderr)
        return 1
    print(f"look around: make serve, then .venv/bin/signer --help ({time.monotonic() - started:.0f} s)")
    print("demo: ok")
    return 0


if __name__ == "__main__":
    sys.exit(main())
