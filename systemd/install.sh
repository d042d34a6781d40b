#!/usr/bin/env bash
# Installs cnnt-edge as a system service, or removes it again: user, folders, configuration, unit.
#
#   sudo systemd/install.sh [--data DIR] [--node FILE] [--root DIR] [--no-start]
#   sudo systemd/install.sh --uninstall [--purge] [--root DIR]
#
# --data DIR   where incoming/ and denoised/ are made (default /srv/cnnt-edge)
# --node FILE  the Node to run (default: the one in PATH)
# --root DIR   lay everything below DIR and leave users and systemd alone (for packages and tests)
# --purge      with --uninstall: remove the configuration and the ledger too. Images are never removed.
set -euo pipefail

install_dir="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)"
data=/srv/cnnt-edge
node="$(command -v node || true)"
root=""
start=yes
action=install
purge=no

fail() {
  echo "install.sh: $*" >&2
  exit 1
}

while [ $# -gt 0 ]; do
  case "$1" in
    --data) data="${2:?--data needs a folder}"; shift 2 ;;
    --node) node="${2:?--node needs a file}"; shift 2 ;;
    --root) root="${2:?--root needs a folder}"; shift 2 ;;
    --no-start) start=no; shift ;;
    --uninstall) action=uninstall; shift ;;
    --purge) purge=yes; shift ;;
    -h | --help) sed -n '2,11s/^# \{0,1\}//p' "${BASH_SOURCE[0]}"; exit 0 ;;
    *) echo "install.sh: unknown option $1 (--help shows what there is)" >&2; exit 2 ;;
  esac
done

unit="$root/etc/systemd/system/cnnt-edge.service"
config_dir="$root/etc/cnnt-edge"
state_dir="$root/var/lib/cnnt-edge"

if [ -z "$root" ]; then
  [ "$(id -u)" = 0 ] || fail "run it as root (sudo)"
  command -v systemctl >/dev/null || fail "this machine has no systemd; run npm start instead"
fi

# In a test tree there is no user to own anything.
owned() {
  [ -n "$root" ] || chown cnnt-edge:cnnt-edge "$@"
}

do_install() {
  [[ "$data" = /* ]] || fail "--data must be an absolute path"
  [[ "$data$install_dir$node" != *[[:space:]%\"\\\&\|]* ]] ||
    fail "blanks, quotes, %, &, | and backslashes in paths do not survive a unit file: choose other folders"
  [ -x "$node" ] || fail "Node was not found; install Node 20.19 or newer, or pass --node"
  "$node" -e 'const [a, b] = process.versions.node.split(".").map(Number); process.exit(a > 20 || (a === 20 && b >= 19) ? 0 : 1)' ||
    fail "$node is older than Node 20.19"
  [ -d "$install_dir/node_modules" ] || fail "run npm ci in $install_dir first"

  if [ -z "$root" ]; then
    getent passwd cnnt-edge >/dev/null ||
      useradd --system --home-dir /var/lib/cnnt-edge --no-create-home --shell /usr/sbin/nologin cnnt-edge
    # The GPU's device files belong to these groups on some distributions.
    for group in video render; do
      if getent group "$group" >/dev/null; then usermod -a -G "$group" cnnt-edge; fi
    done
    runuser -u cnnt-edge -- test -r "$install_dir/bin/cnnt-edge.js" ||
      fail "the user cnnt-edge may not read $install_dir; put the checkout in /opt, for example"
    runuser -u cnnt-edge -- test -x "$node" || fail "the user cnnt-edge may not run $node; pass --node"
  fi

  mkdir -p "$config_dir" "$state_dir" "$root$data/incoming" "$root$data/denoised" "$(dirname "$unit")"
  owned "$state_dir" "$root$data/incoming" "$root$data/denoised"
  # Everybody at the workstation may drop files; only their owners and the daemon may take them away.
  chmod 1777 "$root$data/incoming"
  if [ -e "$config_dir/config.yaml" ]; then
    echo "kept $config_dir/config.yaml"
  else
    sed "s|@DATA@|$data|g" "$install_dir/systemd/config.yaml" >"$config_dir/config.yaml"
  fi
  sed -e "s|@NODE@|$node|g" -e "s|@INSTALL@|$install_dir|g" -e "s|@FOLDERS@|-$data|g" \
    "$install_dir/systemd/cnnt-edge.service" >"$unit"

  if [ -z "$root" ]; then
    systemctl daemon-reload
    if [ "$start" = yes ]; then systemctl enable --now cnnt-edge; fi
  fi
  echo "installed: drop files into $data/incoming, results appear in $data/denoised"
  echo "  folders elsewhere: $config_dir/config.yaml, and ReadWritePaths= with systemctl edit cnnt-edge"
  echo "  how it goes: systemctl status cnnt-edge; journalctl -u cnnt-edge"
}

do_uninstall() {
  if [ -z "$root" ]; then systemctl disable --now cnnt-edge 2>/dev/null || true; fi
  rm -f "$unit"
  if [ -z "$root" ]; then
    systemctl daemon-reload
    systemctl reset-failed cnnt-edge 2>/dev/null || true
  fi
  if [ "$purge" = yes ]; then
    rm -rf "$config_dir" "$state_dir"
    if [ -z "$root" ] && getent passwd cnnt-edge >/dev/null; then userdel cnnt-edge; fi
    echo "removed: unit, configuration, ledger, user; images are still in their folders"
  else
    echo "removed: unit; configuration and ledger are kept (--purge removes them), and so is the user that owns them"
  fi
}

"do_$action"
