#!/usr/bin/env bash
# The quick start's scoring as an array on a real Slurm cluster of this machine, then training by mpirun, against a run that nobody disturbed.
#   test.sh [FOLDER]       FOLDER is where everything is written; a temporary one, deleted afterwards, when not given
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
cd "$here/../.."
if [ $# -gt 0 ]; then mkdir -p "$1"; work=$(cd "$1" && pwd); else work=$(mktemp -d); fi
alm=(dotnet artifacts/bin/Pipeline.Host/release/alm.dll)
definition="pipelines/quickstart.json"
# Less text and few steps, and six shards on four tasks: what is shown is that the bytes are the same, not that they are good.
small=(--set "flows.score.read-parquet.maxRows=240" --set "flows.score.write-shards.count=6" --set "flows.distill.update-student.steps=4"
  --set "flows.distill.update-student.checkpointEvery=2" --set "flows.judge.read-parquet.maxRows=20" --set "threads=1")
ranked=("${small[@]}" --set "flows.distill.update-student.slots=2")
failed=0

say() { echo "cluster: $*"; }
fail() { say "FAILED: $*"; failed=1; }
hashes() { (cd "$1" && find "${@:2}" -type f ! -name 'config.json' | sort | xargs sha256sum); }
stop() {
  [ -d "$work/slurm" ] && "$here/stop.sh" "$work/slurm"
  # A file that a daemon writes at its end must not decide what the tests say.
  [ $# -gt 0 ] || rm -rf "$work" 2>/dev/null || { sleep 2; rm -rf "$work" || true; }
}
if [ $# -gt 0 ]; then trap 'stop keep' EXIT; else trap stop EXIT; fi

say "a run that nobody disturbs"
"${alm[@]}" run "$definition" "${small[@]}" --run "$work/alone" --plain --through score >"$work/alone.log"

if missing=$("$here/install.sh" slurm-wlm munge); then
  "$here/start.sh" "$work/slurm"
  export SLURM_CONF=$work/slurm/slurm.conf
  run=$work/array
  "${alm[@]}" submit "$definition" "${small[@]}" --run "$run" --engine slurm --tasks 4 >/dev/null
  # Training has its own part below; here only the array is started.
  array=$(cd "$run/jobs/slurm" && sbatch --parsable score.sbatch)
  state() { squeue -h -r -j "$array" -o '%K %T' 2>/dev/null | awk -v k="$1" '$1 == k { print $2 }'; }
  await() { for _ in $(seq 600); do [ "$(state "$1")" = "$2" ] && return 0; [ -z "$(squeue -h -j "$array")" ] && return 1; sleep 0.1; done; return 1; }
  # One task is killed outright, one put back into the queue, one started a second time beside itself.
  # The mark beside the part says which process is at it.
  worker=
  for _ in $(seq 1200); do
    mark=$(ls -A "$run/parts/score" 2>/dev/null | grep -m1 -- '-00000\.running$' || true)
    [ -n "$mark" ] && { worker=$(echo "$mark" | cut -d- -f3); break; }
    sleep 0.05
  done
  [ -n "$worker" ] && kill -9 "$worker" && say "killed task 0 at its work" || fail "task 0 was never at a part"
  await 1 RUNNING && scontrol requeue "${array}_1" && say "requeued task 1" || fail "task 1 was never running"
  (SLURM_ARRAY_TASK_ID=2 SLURM_ARRAY_TASK_MIN=0 SLURM_ARRAY_TASK_COUNT=4 \
    "${alm[@]}" work "$run/definition.json" --run "$run" --flow score --plain >"$work/twice.log") & twice=$!
  for _ in $(seq 900); do [ -z "$(squeue -h -j "$array")" ] && break; sleep 0.1; done
  wait "$twice" || fail "the task that was started twice: $(tail -3 "$work/twice.log")"
  "${alm[@]}" status "$run" | sed 's/^/cluster: status: /'
  # On a slow machine the kill comes in the task's second part.
  [ "$(ls "$run/shards" | grep -c '\.alm$')" -lt 6 ] || fail "the killed task's parts are all there"
  # What the killed task left: the same array again computes only that.
  again=$(cd "$run/jobs/slurm" && sbatch --parsable --wait score.sbatch) || fail "the second array: see $run/jobs/slurm"
  say "array $again did the rest"
  "${alm[@]}" run "$run/definition.json" --run "$run" --plain --through score >"$work/array.log"
  diff <(hashes "$work/alone" shards) <(hashes "$run" shards) && say "an array with a task killed, one requeued and one started twice: the shards of alm run" || fail "the shards of the array differ"
  grep -q "is committed" "$work/array.log" && fail "the run had to compute parts"
else
  say "LEFT OUT: the array on Slurm. $missing"
fi

if missing=$("$here/install.sh" openmpi-bin libopenmpi-dev); then
  mpi=(mpirun --allow-run-as-root --oversubscribe)
  for ranks in 1 2; do
    "${mpi[@]}" -n $ranks "${alm[@]}" run "$definition" "${ranked[@]}" --run "$work/train$ranks" --plain >"$work/train$ranks.log" 2>&1 || fail "training on $ranks ranks: $(tail -3 "$work/train$ranks.log")"
  done
  diff <(hashes "$work/train1" shards student checkpoints) <(hashes "$work/train2" shards student checkpoints) && say "training on 2 ranks by mpirun: the weights of 1" || fail "the weights of 2 ranks differ from those of 1"
  # Two ranks of two definitions: named, and the end.
  code=0
  "${mpi[@]}" -n 1 "${alm[@]}" run "$definition" "${ranked[@]}" --run "$work/other" --plain : \
    -n 1 "${alm[@]}" run "$definition" "${ranked[@]}" --set seed=3 --run "$work/other" --plain >"$work/other.log" 2>&1 || code=$?
  [ $code -ne 0 ] && grep -q "the ranks disagree on the definition: rank 1" "$work/other.log" && say "a rank with another definition is named (exit $code)" || fail "another definition: exit $code, $(tail -3 "$work/other.log")"
  ALM_CLUSTER=1 dotnet test tests/Pipeline.FaultTests -c Release --no-build --filter FullyQualifiedName~RankKillTests >"$work/kills.log" 2>&1 && say "a rank killed at random moments: the same bytes" || fail "kills: $(cat "$work/kills.log")"
else
  say "LEFT OUT: training over ranks of MPI. $missing"
fi

exit $failed
