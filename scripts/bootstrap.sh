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
  chromium                                    # tests use the portal in it
  prometheus                                  # with promtool: judges alert rules and scrapes us in tests; not run as a service
)
missing=()
for package in "${packages[@]}"; do
  [ "$(dpkg-query -W -f='${db:Status-Status}' "$package" 2>/dev/null)" = installed ] || missing+=("$package")
done
if [ ${#missing[@]} -eq 0 ]; then exit 0; fi
echo "installing: ${missing[*]}"
export DEBIAN_FRONTEND=noninteractive
apt-get update -qq
# Debian starts the services that it installs, now and at every boot; nobody asked for a Prometheus of the machine's own.
start_rules=/usr/sbin/policy-rc.d
kept=
if [ -e "$start_rules" ] || [ -L "$start_rules" ]; then kept=$(mktemp -d) && mv "$start_rules" "$kept/"; fi
restore_start_rules() {
  rm -f "$start_rules"
  if [ -n "$kept" ]; then mv "$kept/policy-rc.d" "$start_rules" && rmdir "$kept"; fi
}
trap restore_start_rules EXIT
printf '#!/bin/sh\nexit 101\n' >"$start_rules"
chmod 755 "$start_rules"
apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
if [[ " ${missing[*]} " == *" prometheus "* ]]; then
  # Both work without a running systemd; one of the two kinds of links may not be there. The helper obeys dpkg's scripts alone.
  DPKG_MAINTSCRIPT_PACKAGE=prometheus deb-systemd-helper disable prometheus.service >/dev/null 2>&1 || true
  update-rc.d prometheus disable >/dev/null 2>&1 || true
fi
