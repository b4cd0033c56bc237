#!/usr/bin/env bash
# Generates signer/v1 (messages, stubs, type stubs) from protos/ into the folder given: the repository, or a copy to compare.
set -euo pipefail
out=${1:?where to}
bin=$(cd "$(dirname "$0")/../.venv/bin" && pwd)
common=$("$bin/python" -c 'import google.rpc.status_pb2 as s, pathlib; print(pathlib.Path(s.__file__).parents[2])')
mkdir -p "$out/signer/v1"
PATH="$bin:$PATH" "$bin/python" -m grpc_tools.protoc -I protos -I "$common" \
  --python_out="$out" --grpc_python_out="$out" --mypy_out=quiet:"$out" --mypy_grpc_out=quiet:"$out" \
  protos/signer/v1/*.proto
# files without a service need no stubs
rm -f "$out"/signer/v1/types_pb2_grpc.py "$out"/signer/v1/types_pb2_grpc.pyi
