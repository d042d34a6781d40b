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

# Ends with a command that works in this very terminal, or with the line that makes it work in the next one.
bin="$(cd "$prefix/bin" && pwd)"
quoted="$(printf '%s' "$bin" | sed 's/[\\"$`]/\\&/g')"
case ":$PATH:" in
  *":$bin:"*) first="$(command -v cnnt-edge || true)" ;;
  *) first=missing ;;
esac
if [ "$first" = "$bin/cnnt-edge" ]; then
  echo "installed; try: cnnt-edge doctor"
elif [ "$first" = missing ]; then
  case "${SHELL:-}" in
    */fish) file="$HOME/.config/fish/config.fish" line="fish_add_path \"$quoted\"" ;;
    */zsh) file="$HOME/.zshrc" line="export PATH=\"$quoted:\$PATH\"" ;;
    */bash) file="$HOME/.bashrc" line="export PATH=\"$quoted:\$PATH\"" ;;
    *) file="$HOME/.profile" line="export PATH=\"$quoted:\$PATH\"" ;;
  esac
  echo "installed, but $bin is not in PATH. Add this line to $file and open a new terminal:"
  echo
  echo "  $line"
  echo
  echo "then try: cnnt-edge doctor (without that: \"$quoted/cnnt-edge\" doctor)"
else
  echo "installed, but \"cnnt-edge\" in PATH is ${first:-not runnable}: remove that one, or call \"$quoted/cnnt-edge\""
fi
