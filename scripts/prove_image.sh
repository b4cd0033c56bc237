#!/usr/bin/env bash
# Builds deploy/Dockerfile without a container engine (buildah, chroot isolation, over a debootstrap root) and shows that the image is
# what it says: no compiler, no pip, no development token; not root; serves with a read-only root; refuses the development token in production.
# Needs root and a Debian mirror; `make prove-image`. Everything it makes lies below its working directory, which it removes first.
set -euo pipefail
cd "$(dirname "$0")/.."
source scripts/bookworm_root.sh
work=${1:-$PWD/build/prove-image}
user=10001:10001
port=$((20000 + RANDOM % 9000))
step() { echo "prove-image: $*"; }
fail() { echo "prove-image: FAILED: $*" >&2; exit 1; }
containers() { buildah --root "$work/storage" --runroot "$work/runroot" --storage-driver vfs "$@"; }

prepare() {
  command -v buildah >/dev/null || apt-get install -y -qq --no-install-recommends buildah >/dev/null
  rm -rf "$work"
  mkdir -p "$work"
  make_root "$work/base"
  local base
  base=$(containers from scratch)
  containers add -q "$base" "$work/base" / >/dev/null
  containers commit -q "$base" localhost/proof/debian:bookworm >/dev/null
  containers rm "$base" >/dev/null
  rm -rf "$work/base"
  step "base image from debootstrap"
}

build() {
  containers build --isolation chroot -q -f deploy/Dockerfile --build-arg BASE=localhost/proof/debian:bookworm \
    -t localhost/proof/signer . >"$work/build.log" 2>&1 || { tail -30 "$work/build.log" >&2; fail "the Dockerfile's own steps"; }
  container=$(containers from localhost/proof/signer)
  root=$(containers mount "$container")
  step "deploy/Dockerfile built, $(du -sm "$root" | cut -f1) MB"
}

check_content() {
  local found
  found=$(find "$root/usr/bin" "$root/usr/local/bin" "$root/opt/signer/bin" \
    \( -name 'gcc*' -o -name 'cc' -o -name 'c++*' -o -name 'g++*' -o -name 'clang*' -o -name 'pip*' -o -name 'make' -o -name 'softhsm*' \))
  [ -z "$found" ] || fail "the image has $found"
  found=$(find "$root" -xdev \( -name 'libsofttoken*' -o -name 'libsofthsm*' -o -name 'pip' -path '*site-packages*' -o -name 'ensurepip' -o -name '*.c' -path '*site-packages/hsm*' \))
  [ -z "$found" ] || fail "the image has $found"
  for module in demo tests gmssl pytest pip setuptools cyclonedx; do
    ! chroot --userspec=$user "$root" /opt/signer/bin/python -c "import $module" 2>/dev/null || fail "the image has $module"
  done
  [ -f "$root/opt/signer/lib/pkcs11/liblocking.so" ] || fail "the image lacks the locking module"
  containers inspect --format '{{.OCIv1.Config.User}} {{.OCIv1.Config.Entrypoint}}' localhost/proof/signer | grep -q "^$user " ||
    fail "the image runs as root"
  chroot --userspec=$user "$root" /opt/signer/bin/signer --help >/dev/null || fail "signer --help"
  step "no compiler, no pip, no development token, no tests; signer --help runs as $user"
}

# The demo appliance's files, with state and run directory where the image has volumes. For the proof alone, SoftHSM and the development
# token come from outside, with the C++ library that SoftHSM wants.
prepare_appliance() {
  .venv/bin/signer init --demo "$work/appliance" --port-base "$port" >/dev/null
  mkdir -p "$work/etc" "$work/state" "$work/run" "$work/proof"
  cp build/native/libsofttoken.so /usr/lib/softhsm/libsofthsm2.so "$(ldconfig -p | awk '/libstdc\+\+.so.6 .*x86-64|libstdc\+\+.so.6 .*AArch64/ {print $NF; exit}')" \
    "$(ldconfig -p | awk '/libgcc_s.so.1 .*x86-64|libgcc_s.so.1 .*AArch64/ {print $NF; exit}')" "$work/proof/"
  cp -r "$work/appliance"/{state,token} "$work/state/"
  # Everything else is configuration, but for what clients hold that are not in the image: whatever the appliance gains is there.
  find "$work/appliance" -mindepth 1 -maxdepth 1 ! -name state ! -name token ! -name run ! -name clients ! -name signer.toml \
    -exec cp -r {} "$work/etc/" \;
  mkdir "$work/etc/clients"
  cp -r "$work/appliance/clients/portal" "$work/etc/clients/"
  sed -e 's#^run_directory = .*#run_directory = "/run/signer"#' \
    -e 's#^module = .*#module = "/proof/libsofttoken.so"#' \
    -e 's#^locking_module = .*#locking_module = "/opt/signer/lib/pkcs11/liblocking.so"\nattempts_directory = "/var/lib/signer/state/pin"#' \
    -e 's#^SOFTHSM2_CONF = .*#SOFTHSM2_CONF = "/var/lib/signer/token/softhsm2.conf"\nSOFTTOKEN_TARGET = "/proof/libsofthsm2.so"#' \
    -e 's#^writable = .*#writable = ["/var/lib/signer/token"]#' \
    -e 's#"state/keyed#"/var/lib/signer/state/keyed#' \
    -e 's#^url = .*#url = "sqlite:////var/lib/signer/state/database/signer.db"\n\n[archive]\ndirectory = "/var/lib/signer/state/archive"\n\n[clock]\nmemory = "/var/lib/signer/state/clock/latest"#' \
    -e 's#^mode = .*#mode = "development"\ndrills_directory = "/var/lib/signer/state/drills"#' \
    -e 's#^\(id = .*\)#\1\ndirectory = "/var/lib/signer/state/log"\nhead_file = "/var/lib/signer/state/log-head/latest"#' \
    "$work/appliance/signer.toml" >"$work/etc/signer.toml"
  echo "directories.tokendir = /var/lib/signer/token/tokens
objectstore.backend = file
log.level = ERROR" >"$work/state/token/softhsm2.conf"
  chown -R $user "$work/etc" "$work/state" "$work/run"
  sed -e 's#^mode = .*#mode = "production"\ngrants = {required = 2, version_file = "/var/lib/signer/state/grants-version"}#' \
    -e 's#^\[timestamps\]#&\nurl = "https://tsa.example.cn/"\nanchors = "ca.pem"#' \
    -e 's#^memory = #sources = ["kernel"]\nmemory = #' "$work/etc/signer.toml" >"$work/etc/production.toml"
}

in_image() {  # COMMAND…: as the image's user, with a read-only root and the image's volumes
  unshare --mount --propagation private bash -c '
    set -euo pipefail
    source scripts/bookworm_root.sh
    root=$1 work=$2 user=$3; shift 3
    mkdir -p "$root/proof"
    mount --bind "$root" "$root"
    mount_kernel_files "$root"
    mount --bind "$work/state" "$root/var/lib/signer"; mount --bind "$work/run" "$root/run/signer"
    mount --bind "$work/etc" "$root/etc/signer"; mount -o remount,bind,ro "$root/etc/signer"
    mount --bind "$work/proof" "$root/proof"; mount -o remount,bind,ro "$root/proof"
    mount -o remount,bind,ro "$root"
    exec chroot --userspec="$user" "$root" env -i PATH=/usr/bin:/bin LD_LIBRARY_PATH=/proof "$@"
  ' bash "$root" "$work" "$user" "$@"
}

stop_server() {  # the supervisor itself: it drains the others
  [ ! -f "$work/run/children.json" ] || kill "$(grep -o '"supervisor": [0-9][0-9]*' "$work/run/children.json" | grep -o '[0-9]*$')"
}

serve_and_ask() {
  ! in_image touch /etc/written 2>/dev/null || fail "the root is not read-only"
  in_image /opt/signer/bin/signer serve --config /etc/signer/signer.toml >"$work/serve.log" 2>&1 &
  server=$!
  trap 'stop_server' EXIT
  local metrics=$((port + 21)) tries=0
  until curl -fsS "http://127.0.0.1:$metrics/readyz" >/dev/null 2>&1; do
    tries=$((tries + 1))
    [ $tries -lt 600 ] && kill -0 $server || { tail -20 "$work/serve.log" >&2; fail "the server did not start"; }
    sleep 0.2
  done
  [ "$(curl -fsS "http://127.0.0.1:$metrics/healthz")" = ok ] || fail "/healthz"
  .venv/bin/signer sign --profile "$work/appliance/clients/core/profile.toml" --key message-sm2 README.md >/dev/null ||
    fail "no signature"
  .venv/bin/signer issue --profile "$work/appliance/clients/core/profile.toml" --template policy/commercial --sample \
    --out "$work/policy.pdf" >/dev/null || fail "no policy"
  curl -fsS "http://127.0.0.1:$metrics/metrics" | grep -q '^signer_process_isolation{measure="landlock_abi",process="worker-0"}' ||
    fail "nothing told of what confines the processes"
  [[ $(curl -fsS "http://127.0.0.1:$((port + 37))/verify") == *验真* ]] || fail "no page for policyholders"
  stop_server
  wait $server || fail "it did not end with status 0"
  trap - EXIT
  step "served with a read-only root as $user: /healthz, a signature, a policy, the page for policyholders"
}

refuse_development_token() {
  ! in_image /opt/signer/bin/signer serve --config /etc/signer/production.toml >"$work/production.log" 2>&1 ||
    fail "a development token served in production"
  grep -q 'is a development token' "$work/production.log" || { tail "$work/production.log" >&2; fail "refused for another reason"; }
  step "a development token is refused in production"
}

prepare
build
check_content
prepare_appliance
serve_and_ask
refuse_development_token
containers umount "$container" >/dev/null
echo "prove-image: ok"
