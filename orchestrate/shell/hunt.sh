#!/usr/bin/env bash
# One run of the tap into a loader, for cron, systemd or a CI job.
#
#   hunt.sh CONFIG CATALOG LOADER_CONFIG STATE
#
# TAP_M365HUNTING_* variables are settings, too. STATE is the file of the last state; it is written when the loader has
# the rows, also where the run failed. Exit status: the tap's or the loader's; 75 if a run of this STATE still goes on.
set -uo pipefail
umask 077

(($# == 4)) || { echo "usage: hunt.sh CONFIG CATALOG LOADER_CONFIG STATE" >&2; exit 64; }
config=$1 catalog=$2 loader_config=$3 state=$4
loader=${LOADER:-target-bulk-duckdb}

exec 9>"$state.lock"
flock --nonblock 9 || { echo "hunt.sh: a run with $state still goes on" >&2; exit 75; }

from=()
[[ -s $state ]] && from=(--state "$state")
tap-m365hunting --config "$config" --config ENV --catalog "$catalog" "${from[@]}" \
  | "$loader" --config "$loader_config" > "$state.lines"
status=$?

# the last line that is whole: a loader that was killed may leave a part behind it
last=
while IFS= read -r line; do last=$line; done < "$state.lines"
[[ -n $last ]] && printf '%s\n' "$last" > "$state.new" && mv "$state.new" "$state"
rm -f "$state.lines"
exit "$status"
