#!/usr/bin/env bash
# Installs, upgrades, rolls back and removes cnnt-edge as a system service.
#
#   sudo systemd/install.sh [install|upgrade] [--data DIR] [--group NAME] [--node FILE] [--no-start]
#   sudo systemd/install.sh reconfigure       after a change of the configuration: checks it, restarts the daemon
#   sudo systemd/install.sh rollback          runs the version that ran before
#   sudo systemd/install.sh status            what is installed and what runs; exits 1 unless they are the same
#   sudo systemd/install.sh uninstall [--purge]
#
# install and upgrade do the same: they copy this checkout (or unpacked archive) to its own folder below
# /opt/cnnt-edge/versions, and restart the daemon from there. Earlier choices stay: the configuration is kept.
# --data DIR   the folder for incoming/ and denoised/, for the first installation only (default /srv/cnnt-edge)
# --group NAME the group of the results (default cnnt-edge-data), for the first installation only
# --node FILE  the Node to run (default: the archive's own, the one chosen before, or the one in PATH)
# --no-start   neither start nor restart the daemon
# --purge      remove configuration, ledger and user too. Images and the group that may read them are never removed.
# --root DIR   put everything below DIR, and change neither users nor systemd (for packages)
# --systemctl FILE  with --root: call this instead (for tests)
set -euo pipefail
umask 022

source_dir="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd -P)"
data="" group="" node="" root="" systemctl="" start=yes purge=no action=install

fail() {
  echo "install.sh: $*" >&2
  exit 1
}

case "${1:-}" in
  install | upgrade) shift ;;
  reconfigure | rollback | status | uninstall) action="$1"; shift ;;
esac
while [ $# -gt 0 ]; do
  case "$1" in
    --data) data="${2:?--data needs a folder}"; shift 2 ;;
    --group) group="${2:?--group needs a name}"; shift 2 ;;
    --node) node="${2:?--node needs a file}"; shift 2 ;;
    --root) root="${2:?--root needs a folder}"; shift 2 ;;
    --systemctl) systemctl="${2:?--systemctl needs a file}"; shift 2 ;;
    --no-start) start=no; shift ;;
    --purge) purge=yes; shift ;;
    -h | --help) sed -n '2,/^set /{/^set /d;s/^# \{0,1\}//p}' "${BASH_SOURCE[0]}"; exit 0 ;;
    *) echo "install.sh: there is no action or option $1 (--help shows what there is)" >&2; exit 2 ;;
  esac
done

home="$root/opt/cnnt-edge"
versions="$home/versions"
unit="$root/etc/systemd/system/cnnt-edge.service"
drop_in="$unit.d/10-folders.conf"
config_dir="$root/etc/cnnt-edge"
config="$config_dir/config.yaml"
state_dir="$root/var/lib/cnnt-edge"

if [ -z "$root" ]; then
  [ "$(id -u)" = 0 ] || fail "run it as root (sudo)"
  systemctl="$(command -v systemctl || true)"
  [ -n "$systemctl" ] || fail "this machine has no systemd; run npm start instead"
fi

# Below --root there may be no systemd and no user to own anything.
service_manager() {
  [ -z "$systemctl" ] || "$systemctl" "$@"
}
owned() {
  [ -n "$root" ] || chown "$@"
}

# The name of the version that a link stands for; nothing where there is no link.
version_at() {
  [ ! -L "$home/$1" ] || basename "$(readlink "$home/$1")"
}

point() { # link version: never a moment without the link
  ln -sfn "versions/$2" "$home/$1.new"
  mv -T "$home/$1.new" "$home/$1"
}

# The version that the daemon's process was started from; nothing where none runs.
running_version() {
  local pid
  pid="$(service_manager show -p MainPID --value cnnt-edge 2>/dev/null || true)"
  [ "${pid:-0}" -gt 0 ] 2>/dev/null || return 0
  tr '\0' '\n' <"/proc/$pid/cmdline" 2>/dev/null | sed -n 's|^.*/versions/\([^/]*\)/bin/cnnt-edge\.js$|\1|p'
}

# The Node of a version, as the unit names it: its own, or the one that was chosen for it.
node_of() { # version
  if [ -x "$versions/$1/node/bin/node" ]; then echo "${versions#"$root"}/$1/node/bin/node"; else cat "$versions/$1/.node"; fi
}

refuse_odd_path() { # what path
  [[ "$2" = /* ]] || fail "$1 must be an absolute path, not $2"
  [[ "$2" != *[[:space:]%\"\\\&\|\#]* ]] ||
    fail "blanks, quotes, %, &, |, # and backslashes in $1 ($2) are not possible in a unit file: choose another path"
}

choose_node() {
  local own="$source_dir/node/bin/node" ours="$source_dir/../node/bin/node" before=""
  if [ -z "$node" ] && { [ -x "$own" ] || [ -x "$ours" ]; }; then return; fi
  before="$(sed -n 's/^ExecStart=\([^ ]*\) .*/\1/p' "$unit" 2>/dev/null || true)"
  case "$before" in */versions/*) before="" ;; esac
  if [ -z "$node" ] && [ -x "$before" ]; then node="$before"; fi
  node="${node:-$(command -v node || true)}"
  [ -x "$node" ] || fail "Node was not found; install Node 20.19 or newer, or pass --node"
  refuse_odd_path "--node" "$node"
  "$node" -e 'const [a, b] = process.versions.node.split(".").map(Number); process.exit(a > 20 || (a === 20 && b >= 19) ? 0 : 1)' ||
    fail "$node is older than Node 20.19"
}

# What of the checkout is copied: everything that runs, no tests, no history.
parts() {
  local part
  for part in LICENSE README.md CHANGELOG.md CITATION.cff package.json package-lock.json bin calibration core docs export formats \
    models node_modules runtime systemd watcher; do
    if [ -e "$source_dir/$part" ]; then echo "$part"; fi
  done
}

# A hash over names and contents: the same checkout is the same version, another one never is.
contents_hash() ( # folder parts...
  cd "$1"
  shift
  { find "$@" -type f -print0 | LC_ALL=C sort -z | xargs -0 sha256sum
    find "$@" -type l -printf '%p -> %l\n' | LC_ALL=C sort; } | sha256sum | cut -c1-12
)

# Copies the source to its folder below versions and says the folder's name.
place_version() {
  local name number partial wanted
  case "$source_dir" in "$(realpath -m "$versions")"/*) basename "$source_dir"; return ;; esac
  number="$(sed -n 's/^  "version": "\([0-9A-Za-z.+-]*\)".*/\1/p' "$source_dir/package.json")"
  [ -n "$number" ] || fail "$source_dir/package.json states no version"
  mapfile -t wanted < <(parts)
  name="$number-$(contents_hash "$source_dir" "${wanted[@]}")"
  if [ ! -d "$versions/$name" ]; then
    partial="$versions/.$name.partial"
    rm -rf "$partial"
    mkdir -p "$partial"
    (cd "$source_dir" && cp -a --no-preserve=ownership "${wanted[@]}" "$partial/")
    [ "$number-$(contents_hash "$partial" "${wanted[@]}")" = "$name" ] || fail "the copy in $partial differs from $source_dir"
    if [ -z "$node" ] && [ -d "$source_dir/../node" ]; then
      cp -a --no-preserve=ownership "$source_dir/../node" "$partial/node"
    fi
    chmod -R a+rX,go-w "$partial"
    mv -T "$partial" "$versions/$name"
  fi
  if [ -n "$node" ]; then
    rm -rf "${versions:?}/$name/node"
    echo "$node" >"$versions/$name/.node"
  fi
  echo "$name"
}

make_user() {
  if [ -n "$root" ]; then return; fi
  getent passwd cnnt-edge >/dev/null ||
    useradd --system --user-group --home-dir /var/lib/cnnt-edge --no-create-home --shell /usr/sbin/nologin cnnt-edge
  # The GPU's device files belong to these groups on some distributions.
  join_group video
  join_group render
}
join_group() {
  if getent group "$1" >/dev/null; then usermod -a -G "$1" cnnt-edge; fi
}

first_configuration() { # writes the configuration and its folders where there is none
  if [ -e "$config" ]; then
    echo "kept $config"
    if [ -n "$data" ] && ! grep -qF "$data/" "$config"; then
      fail "--data is for the first installation, and $config has no folder below $data: change it there, then run install.sh reconfigure"
    fi
    return
  fi
  data="${data:-/srv/cnnt-edge}"
  refuse_odd_path "--data" "$data"
  case "$data/" in /opt/cnnt-edge/* | /etc/cnnt-edge/* | /var/lib/cnnt-edge/*)
    fail "--data must lie outside $data, which belongs to the installation: choose another folder" ;;
  esac
  group="${group:-cnnt-edge-data}"
  if [ -z "$root" ]; then
    getent group "$group" >/dev/null || groupadd --system "$group"
    join_group "$group"
  fi
  mkdir -p "$config_dir" "$root$data/incoming" "$root$data/denoised"
  owned "cnnt-edge:$group" "$root$data/incoming" "$root$data/denoised"
  # Everybody at the workstation may drop files; only their owners and the daemon may take them away.
  chmod 1777 "$root$data/incoming"
  chmod 2775 "$root$data/denoised"
  sed -e "s|@DATA@|$data|g" -e "s|@GROUP@|$group|g" -e "s|@CURRENT@|${home#"$root"}/current|g" \
    "$source_dir/systemd/config.yaml" >"$config"
  echo "drop files into $data/incoming, results appear in $data/denoised"
}

# Writes the unit and its drop-in for a version, which must be able to read the configuration.
write_unit() { # version
  local runs here folders
  runs="$(node_of "$1")"
  here="$runs"
  case "$runs" in "${versions#"$root"}"/*) here="$root$runs" ;; esac
  mkdir -p "$state_dir"
  owned cnnt-edge:cnnt-edge "$state_dir"
  folders="$(cd "$versions/$1" && "$here" --import tsx systemd/writable-folders.ts "$config")" ||
    fail "version $1 cannot use $config, so nothing was changed"
  mkdir -p "$unit.d"
  sed -e "s|@NODE@|$runs|g" -e "s|@VERSION@|${versions#"$root"}/$1|g" "$versions/$1/systemd/cnnt-edge.service" >"$unit.new"
  mv -T "$unit.new" "$unit"
  printf '%s\n' "$folders" >"$drop_in.new"
  mv -T "$drop_in.new" "$drop_in"
  service_manager daemon-reload
}

# One that failed, or is about to be started again, is; one that somebody stopped stays stopped.
is_wanted() {
  [ "$start" = yes ] && [ -n "$systemctl" ] && [ "$(service_manager show -p ActiveState --value cnnt-edge)" != inactive ]
}
restart() {
  service_manager reset-failed cnnt-edge 2>/dev/null || true
  service_manager restart cnnt-edge
}
units_sum() {
  { cat "$unit" "$drop_in" 2>/dev/null || true; } | sha256sum
}
do_install() {
  local new before sum
  choose_node
  [ -d "$source_dir/node_modules" ] || fail "run npm ci in $source_dir first"
  make_user
  first_configuration
  new="$(place_version)"
  if [ -z "$root" ]; then
    runuser -u cnnt-edge -- test -x "$(node_of "$new")" || fail "the user cnnt-edge may not run $(node_of "$new"); pass --node"
  fi
  before="$(version_at current)"
  sum="$(units_sum)"
  write_unit "$new"
  if [ -z "$before" ]; then
    point current "$new"
    if [ "$start" = yes ]; then
      service_manager enable cnnt-edge
      restart || fail "the daemon does not start; why: journalctl -u cnnt-edge"
    fi
  elif is_wanted && { [ "$(running_version)" != "$new" ] || [ "$sum" != "$(units_sum)" ]; }; then
    restart || give_up_on "$new" "$before"
  fi
  if [ -n "$before" ] && [ "$before" != "$new" ]; then
    warn_of_lost_gpu "$before" "$new"
    point previous "$before"
    point current "$new"
  fi
  prune
  echo "installed version $new${before:+ (before: $before)}"
}

give_up_on() { # new before
  if [ "$1" = "$2" ]; then fail "the daemon does not start; why: journalctl -u cnnt-edge"; fi
  write_unit "$2"
  restart || fail "neither version $1 nor $2 starts; why: journalctl -u cnnt-edge"
  fail "version $1 does not start, so $2 runs again; why: journalctl -u cnnt-edge"
}

warn_of_lost_gpu() { # before new
  local library
  for library in "$versions/$1"/node_modules/onnxruntime-node/bin/napi-v*/linux/*/libonnxruntime_providers_cuda.so; do
    [ -e "$library" ] || continue
    [ -e "$versions/$2${library#"$versions/$1"}" ] ||
      echo "version $2 has no CUDA libraries, version $1 had: run its \"gpu install\" before install.sh (docs/gpu.md)" >&2
  done
}

# All but the version that runs and the one before it.
prune() {
  local folder name
  for folder in "$versions"/*/; do
    name="$(basename "$folder")"
    case "$name" in "$(version_at current)" | "$(version_at previous)" | "$(running_version)") ;; *) rm -rf "$folder" ;; esac
  done
}

do_rollback() {
  local now before
  now="$(version_at current)"
  before="$(version_at previous)"
  [ -n "$before" ] && [ -d "$versions/$before" ] || fail "there is no version before ${now:-this one} to go back to"
  write_unit "$before"
  if is_wanted; then restart || fail "version $before does not start; why: journalctl -u cnnt-edge"; fi
  point current "$before"
  point previous "$now"
  echo "rolled back to version $before (install.sh rollback again brings $now)"
}

do_reconfigure() {
  local now
  now="$(version_at current)"
  [ -n "$now" ] || fail "cnnt-edge is not installed: run install.sh install"
  write_unit "$now"
  if is_wanted; then restart || fail "the daemon does not start; why: journalctl -u cnnt-edge"; fi
  echo "the service uses $config"
}

do_status() {
  local now before running
  now="$(version_at current)"
  running="$(running_version)"
  echo "installed  ${now:-nothing}"
  before="$(version_at previous)"
  echo "before it  ${before:-nothing}"
  echo "running    ${running:-nothing}"
  [ -n "$now" ] && [ "$now" = "$running" ]
}

do_uninstall() {
  if [ -e "$unit" ]; then
    service_manager disable --now cnnt-edge || true
    if service_manager is-active --quiet cnnt-edge && [ -n "$systemctl" ]; then fail "the daemon could not be stopped: nothing was removed"; fi
  fi
  rm -f "$unit" "$drop_in"
  # What systemctl edit left there is configuration.
  rmdir "$unit.d" 2>/dev/null || true
  service_manager daemon-reload
  service_manager reset-failed cnnt-edge 2>/dev/null || true
  rm -rf "$versions"
  rm -f "$home/current" "$home/previous"
  if [ "$purge" = no ]; then
    echo "removed: service and program; configuration, ledger, user, group and images are kept (--purge removes configuration, ledger and user too)"
    return
  fi
  if [ -n "$(find "$config_dir" "$state_dir" -iname '*.tif*' -print -quit 2>/dev/null)" ]; then
    fail "there are images below $config_dir or $state_dir: move them away, then run it again"
  fi
  rm -rf "$config_dir" "$state_dir" "$unit.d"
  if [ -z "$root" ] && getent passwd cnnt-edge >/dev/null; then userdel cnnt-edge; fi
  echo "removed: service, program, configuration, ledger, user; images and their group are still there"
}

if [ "$action" != status ]; then
  mkdir -p "$home"
  exec 9>"$home/.lock"
  flock -n 9 || fail "another install.sh is at work"
fi
"do_$action"
if [ "$action" = uninstall ]; then rm -f "$home/.lock"; rmdir "$home" 2>/dev/null || true; fi
