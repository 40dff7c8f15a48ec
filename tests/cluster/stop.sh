#!/usr/bin/env bash
# Ends what start.sh began in that folder, by the process ids that the daemons wrote there.
#   stop.sh FOLDER
for file in "$1"/run/slurmd-*.pid "$1"/run/slurmctld.pid "$1"/run/munged.pid; do
  [ -s "$file" ] && kill "$(cat "$file")" 2>/dev/null
done
exit 0
