#!/usr/bin/env bash
# Makes a bare Debian 12 root by debootstrap, from the mirror that this machine uses: bookworm_root.sh DIRECTORY [PACKAGE,PACKAGE…]
# Sourced by the proofs, too, for what they need of the machine they run on: settings are copied at run time, none stands here.
set -euo pipefail

machine_mirror() {  # of Debian itself, whatever else apt knows
  apt-get indextargets --format '$(REPO_URI) $(RELEASE) $(COMPONENT)' 'Created-By: Packages' |
    awk '$2 ~ /^bookworm$/ && $3 == "main" {print $1; exit}'
}

copy_machine_settings() {  # ROOT: name resolution, apt's and pip's sources, authorities
  local root=$1
  cp -L /etc/resolv.conf "$root/etc/resolv.conf"
  rm -f "$root"/etc/apt/sources.list "$root"/etc/apt/sources.list.d/*
  local file
  for file in $(grep -ls 'bookworm' /etc/apt/sources.list /etc/apt/sources.list.d/debian.* 2>/dev/null); do
    cp "$file" "$root/etc/apt/sources.list.d/"
  done
  mkdir -p "$root/etc/ssl" "$root/usr/share/keyrings"
  cp /usr/share/keyrings/debian-archive-keyring.gpg "$root/usr/share/keyrings/"
  # beside the root's own authorities, which installing packages writes anew
  cp -L /etc/ssl/certs/ca-certificates.crt "$root/etc/ssl/machine-authorities.crt"
  printf '[global]\ncert = /etc/ssl/machine-authorities.crt\n' >"$root/etc/pip.conf"
  local index
  index=$(python3 -m pip config get global.index-url 2>/dev/null || true)
  [ -z "$index" ] || echo "index-url = $index" >>"$root/etc/pip.conf"
}

make_root() {  # DIRECTORY [PACKAGES]
  local root=$1 packages=${2:-}
  command -v debootstrap >/dev/null || apt-get install -y -qq --no-install-recommends debootstrap >/dev/null
  debootstrap --variant=minbase ${packages:+--include="$packages"} bookworm "$root" "$(machine_mirror)" >"$root.log" 2>&1 ||
    { tail -20 "$root.log" >&2; return 1; }
  copy_machine_settings "$root"
}

mount_kernel_files() {  # ROOT: what programs expect of the kernel; for a mount namespace of the caller's own
  local root=$1 device
  mount -t proc proc "$root/proc"
  mount -t tmpfs -o mode=755 tmpfs "$root/dev"
  for device in null zero full random urandom; do
    touch "$root/dev/$device"
    mount --bind "/dev/$device" "$root/dev/$device"
  done
  ln -s /proc/self/fd "$root/dev/fd"
  mkdir "$root/dev/shm" && mount -t tmpfs tmpfs "$root/dev/shm"
}

if [ "${BASH_SOURCE[0]}" = "$0" ]; then make_root "$@"; fi
