#!/usr/bin/env bash
# Installs the Debian packages that the appliance and its tests need. Idempotent; needs root only when something is missing.
set -euo pipefail
packages=(
  build-essential libssl-dev libp11-kit-dev   # our two PKCS#11 modules
  softhsm2                                    # the token below the development token
  python3-venv python3-dev                    # the interpreter's own parts
  fonts-noto-cjk fonts-hanazono               # printed documents; pinned by digest in policy_render/fonts.toml
  openssl qpdf poppler-utils valgrind         # independent judges in tests
  systemd                                     # the same: it judges the unit files, offline
)
missing=()
for package in "${packages[@]}"; do
  [ "$(dpkg-query -W -f='${db:Status-Status}' "$package" 2>/dev/null)" = installed ] || missing+=("$package")
done
if [ ${#missing[@]} -eq 0 ]; then exit 0; fi
echo "installing: ${missing[*]}"
export DEBIAN_FRONTEND=noninteractive
apt-get update -qq
apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
