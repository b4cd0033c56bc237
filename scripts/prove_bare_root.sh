#!/usr/bin/env bash
# Shows that the README's commands do all that is needed on a fresh Debian 12: a debootstrap root with git, make and Python 3.11 and
# nothing else, a clone of what is committed here, and in it `make demo`; with --test also `make test`.
# Needs root and a Debian mirror; `make prove-bare-root` (ARGS=--test). Its working directory is removed first; with --again the root of
# the last run is used as it is, with what is committed now.
set -euo pipefail
cd "$(dirname "$0")/.."
source scripts/bookworm_root.sh
work=$PWD/build/prove-bare-root
root=$work/root
commands=(demo)
again=
for option in "$@"; do
  case $option in
    --test) commands+=(test) ;;
    --again) again=yes ;;
    *) echo "prove-bare-root: there is --test and --again" >&2; exit 2 ;;
  esac
done

if [ -z "$again" ]; then
  rm -rf "$work"
  mkdir -p "$work"
  make_root "$root" git,make,python3.11
  git clone -q --no-local . "$root/srv/signer"
else
  git -C "$root/srv/signer" fetch -q "$PWD" HEAD
  git -C "$root/srv/signer" reset -q --hard FETCH_HEAD
fi
echo "prove-bare-root: a root of $(chroot "$root" dpkg-query -f '.\n' -W | wc -l) packages, a clone of $(git rev-parse --short HEAD)"

in_root() {  # COMMAND…: with kernel file systems, on the machine's network
  unshare --mount --propagation private bash -c '
    set -euo pipefail
    root=$1; shift
    mount -t proc proc "$root/proc"
    mount --rbind /dev "$root/dev"
    mount --rbind /sys "$root/sys"
    mount -t tmpfs tmpfs "$root/tmp"
    exec chroot "$root" env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LANG=C.UTF-8 "$@"
  ' bash "$root" "$@"
}

for command in "${commands[@]}"; do
  began=$(date +%s)
  in_root make -C /srv/signer "$command" PORT_BASE=$((20000 + RANDOM % 9000)) >"$work/$command.log" 2>&1 ||
    { tail -60 "$work/$command.log" >&2; echo "prove-bare-root: FAILED: make $command ($work/$command.log)" >&2; exit 1; }
  tail -3 "$work/$command.log"
  echo "prove-bare-root: make $command: ok, $(($(date +%s) - began)) s"
done
