#!/usr/bin/env bash
# What is generated and checked in must equal what the sources give today.
set -euo pipefail
fresh=$(mktemp -d)
trap 'rm -rf "$fresh"' EXIT
bash scripts/generate_protos.sh "$fresh"
for made in "$fresh"/signer/v1/*; do
  diff -u "signer/v1/$(basename "$made")" "$made" || { echo "signer/v1 is stale: run make protos" >&2; exit 1; }
done
.venv/bin/python scripts/make_licences.py | diff -u docs/licences.md - || { echo "docs/licences.md is stale: run make licences" >&2; exit 1; }
echo "generated code: up to date"
