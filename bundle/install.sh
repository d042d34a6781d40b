#!/bin/sh
# Installs cnnt-edge from the unpacked offline archive. Needs no network.
#
#   ./install.sh [--prefix DIR]
#
# --prefix DIR  DIR/lib/<name of the archive> and the link DIR/bin/cnnt-edge
#               (default: /usr/local for root, ~/.local for others)
set -eu

fail() {
  echo "install.sh: $*" >&2
  exit 1
}

here="$(cd "$(dirname "$0")" && pwd)"
if [ "$(id -u)" = 0 ]; then prefix=/usr/local; else prefix="$HOME/.local"; fi
while [ $# -gt 0 ]; do
  case "$1" in
    --prefix) [ $# -ge 2 ] || fail "--prefix needs a folder"; prefix="$2"; shift 2 ;;
    -h | --help) sed -n '2,7s/^# \{0,1\}//p' "$0"; exit 0 ;;
    *) echo "install.sh: unknown option $1 (--help shows what there is)" >&2; exit 2 ;;
  esac
done

echo "checking the files"
(cd "$here" && sha256sum --check --quiet --strict CONTENTS.sha256) ||
  fail "the files are not those of the archive: unpack it again, and compare it with its .sha256"

target="$prefix/lib/$(basename "$here")"
[ ! -e "$target" ] || fail "$target exists: remove it first to install this version again"
mkdir -p "$prefix/lib" "$prefix/bin"
partial="$target.partial"
trap 'rm -rf "$partial"' EXIT
rm -rf "$partial"
cp -a "$here" "$partial"
mv "$partial" "$target"
ln -sfn "$target/bin/cnnt-edge" "$prefix/bin/cnnt-edge"
echo "installed $prefix/bin/cnnt-edge; try: $prefix/bin/cnnt-edge doctor"
