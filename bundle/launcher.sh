#!/bin/sh
# Runs cnnt-edge with the Node that came with it; none is needed in PATH.
here="$(dirname "$(dirname "$(readlink -f "$0")")")"
exec "$here/node/bin/node" "$here/app/bin/cnnt-edge.js" "$@"
