#!/usr/bin/env bash
# Merges what fuzzers found (build/fuzz/<target>) with the kept inputs into tests/fuzz/corpus: the fewest that cover the same.
set -euo pipefail
cd "$(dirname "$0")/.."
for target in verifier cms seal; do
  kept=tests/fuzz/corpus/$target
  merged=build/fuzz/$target-merged
  rm -rf "$merged" && mkdir -p "$merged" "$kept" "build/fuzz/$target"
  .venv/bin/python -m tests.fuzz.fuzzing "$target" -merge=1 "$merged" "$kept" "build/fuzz/$target" 2>"build/fuzz/$target-merge.log"
  # at most 100 files of a target, the smallest, which cover most of it; the rest would make the repository large
  rm -f "$kept"/*
  find "$merged" -type f -size -12k -printf '%s %p\n' | sort -n | head -100 | while read -r _ file; do cp "$file" "$kept/"; done
done
du -sh tests/fuzz/corpus
