#!/usr/bin/env bash
# Ends what start.sh began in that folder, by the process ids that the daemons wrote there, and waits for it: they write to the end.
#   stop.sh FOLDER
pids=()
for file in "$1"/run/slurmd-*.pid "$1"/run/slurmctld.pid "$1"/run/munged.pid; do
  [ -s "$file" ] && pid=$(cat "$file") && kill "$pid" 2>/dev/null && pids+=("$pid")
done
for pid in "${pids[@]}"; do
  for _ in $(seq 100); do kill -0 "$pid" 2>/dev/null || break; sleep 0.1; done
done
exit 0
