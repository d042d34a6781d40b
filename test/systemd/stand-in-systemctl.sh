#!/usr/bin/env bash
# Stands in for systemctl where no systemd runs: writes down how it was called, and runs the unit's ExecStart below
# the folder that it lies in, as one plain process.
root="$(cd "$(dirname "$0")" && pwd)"
echo "$*" >>"$root/calls"
pid_file="$root/pid"

# A process that ended may wait long to be reaped by whoever inherited it.
runs() { [ -e "$pid_file" ] && grep -q '^State:.[^ZX]' "/proc/$(cat "$pid_file")/status" 2>/dev/null; }
stop() {
  if runs; then kill "$(cat "$pid_file")"; while runs; do sleep 0.02; done; fi
  rm -f "$pid_file" "$root/failed"
}
start() {
  read -r node program _ < <(sed -n 's/^ExecStart=//p' "$root/etc/systemd/system/cnnt-edge.service")
  case "$node" in /opt/*) node="$root$node" ;; esac
  # A session of its own, and none of our files: nobody waits for it.
  setsid "$node" "$root$program" </dev/null >"$root/log" 2>&1 9>&- &
  echo $! >"$pid_file"
  for _ in $(seq 100); do
    grep -q ready "$root/log" && return 0
    if ! runs; then rm -f "$pid_file"; touch "$root/failed"; return 1; fi
    sleep 0.02
  done
}

case "$1" in
  restart) stop; start ;;
  disable) stop ;;
  is-active) runs ;;
  show)
    case "$3" in
      MainPID) if runs; then cat "$pid_file"; else echo 0; fi ;;
      ActiveState) if runs; then echo active; elif [ -e "$root/failed" ]; then echo failed; else echo inactive; fi ;;
    esac ;;
  stop) stop ;;
esac
