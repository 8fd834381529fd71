#!/usr/bin/env bash
# Brings up a Docker engine for the tests where none answers: installs docker.io if there is no
# dockerd, and starts it in the background. For Debian and its like, as root: that is, for
# containers and virtual machines of continuous integration. On your own machine, start your engine.
#
# Safe to run again: where an engine answers it does nothing. Says what it does on stderr.
set -euo pipefail

log=${TMPDIR:-/tmp}/dockerd.log
install_log=${TMPDIR:-/tmp}/docker-install.log

say() { echo "docker-up: $*" >&2; }
answers() { docker info >/dev/null 2>&1; }

if answers; then
  say 'an engine answers'
  exit 0
fi

if ! command -v dockerd >/dev/null; then
  if [[ $(id -u) != 0 ]] || ! command -v apt-get >/dev/null; then
    say 'no dockerd, and only root on Debian can install one here'
    exit 1
  fi
  say 'installing docker.io …'
  export DEBIAN_FRONTEND=noninteractive
  if ! { apt-get update -qq && apt-get install -y -qq --no-install-recommends docker.io; } \
    >"$install_log" 2>&1; then
    cat "$install_log" >&2
    exit 1
  fi
fi

# Detached: the end of this script, or of its terminal, does not end the engine.
say "starting dockerd, which logs to $log …"
setsid nohup dockerd >"$log" 2>&1 </dev/null &
engine=$!

for _ in {1..120}; do
  if answers; then
    say "up, as process $engine"
    exit 0
  fi
  # setsid may have forked, so the log is asked, not the process.
  if grep -q 'failed to start daemon' "$log"; then break; fi
  sleep 0.5
done
say 'it does not come up:'
tail -n 20 "$log" >&2
exit 1
