#!/usr/bin/env bash
# Runs the C checks: softtoken with sanitizers, softtoken under valgrind, and locking in front of softtoken, where the program
# asks for no locking and still has eight threads. Prints a line for each; the exit status is not 0 if one fails.
set -euo pipefail
out=$(cd "$1" && pwd)
here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

fresh_token_directory() {
  rm -rf "$work/tokens" && mkdir "$work/tokens"
  printf 'directories.tokendir = %s/tokens\nobjectstore.backend = file\nlog.level = ERROR\n' "$work" > "$work/softhsm2.conf"
  export SOFTHSM2_CONF="$work/softhsm2.conf"
}

fresh_token_directory
LSAN_OPTIONS=suppressions=$here/suppressions.txt:print_suppressions=0 \
  "$out/checked/checks" "$out/checked/libsofttoken.so" | sed 's/^/sanitizers: /'
fresh_token_directory
valgrind --quiet --error-exitcode=9 --leak-check=full --errors-for-leak-kinds=definite \
  --suppressions="$here/valgrind.supp" "$out/checks" "$out/libsofttoken.so" | sed 's/^/valgrind: /'
fresh_token_directory
SIGNER_PKCS11_MODULE="$out/libsofttoken.so" "$out/checks" "$out/liblocking.so" --no-locking-asked | sed 's/^/locking: /'
