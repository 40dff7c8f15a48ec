#!/bin/bash
# Everything behind docs/study/exact*.md, in order, or only some parts of it (the functions at the end). A run that is done is skipped, one that was cut off
# goes on: start it again as often as you like, and twice at once for two lanes. ALM says how alm is called.
#   [SEEDS="1 2"] pipelines/study/exact.sh [PART…]
# First:
#   alm run pipelines/study/teacher.json --run runs/study/teacher --set flows.pretrain.update-student.steps=9000 --set threads=2
set -u
alm=${ALM:-dotnet artifacts/bin/Pipeline.Host/release/alm.dll}
runs=runs/study
train=$runs/teacher/text/train
mkdir -p $runs/logs

unit() { # NAME DEFINITION [options]: the run exact-NAME, unless it is done or in the other lane
  local name=exact-$1 definition=$2
  shift 2
  (
    flock -n 9 || exit 0
    [ -f "$runs/$name/report.json" ] && exit 0
    echo "$(date +%T) $name"
    $alm run "pipelines/study/$definition.json" --run "$runs/$name" --plain "$@" > "$runs/logs/$name.log" 2>&1 || echo "$(date +%T) $name failed, see $runs/logs/$name.log"
  ) 9> "$runs/logs/$name.lock"
}
need() { # NAME…: waits for what the other lane is making, and ends this lane where it failed
  local name
  for name in "$@"; do
    flock "$runs/logs/exact-$name.lock" true
    [ -f "$runs/exact-$name/report.json" ] || { echo "exact-$name is needed and has failed, see $runs/logs/exact-$name.log"; exit 1; }
  done
}

# --- Scores: a pass of the teacher for each text and each kind of next bytes, made when a student first asks for it.
score() { # TEXT KIND…
  local text=$1 kind files rows=0 skip=0 bytes
  shift
  case $text in
    maths) files="\"$train-maths.parquet\"" rows=1200;;
    plays) files="\"$train-plays.parquet\"" rows=150;;
    articles) files="\"$train-articles.parquet\"" rows=15;;
    little) files="\"$train-articles.parquet\",\"$train-maths.parquet\"" rows=32 skip=54;;
    search) files="\"$train-maths.parquet\"" rows=600 skip=3000;;
    answers) files="\"$runs/exact-answers/answers.parquet\"";;
  esac
  for kind in "$@"; do
    bytes=(--set flows.score.score-teacher.bytes=exact)
    case $kind in
      trunk) bytes=(--set 'flows.score.score-teacher.hiddenLayers=[-1]');;
      kept-256) bytes+=(--set flows.score.score-teacher.maxKept=256 --set flows.score.score-teacher.keepShare=1);;
      kept-*) bytes+=(--set "flows.score.score-teacher.maxKept=${kind#kept-}");;
      prune-*) bytes+=(--set "flows.score.score-teacher.pruneShare=${kind#prune-}");;
    esac
    unit "$text-$kind" exact-scores --set "flows.score.read-parquet.files=[$files]" \
      --set flows.score.read-parquet.maxRows=$rows --set flows.score.read-parquet.skipRows=$skip "${bytes[@]}"
  done
}

# --- Students: NAME TEXTS [options]. TEXTS are joined by +.
shards() { # TEXTS KIND
  local list="" text
  for text in ${1//+/ }; do list="$list,\"$runs/exact-$text-$2/shards\""; done
  echo "[${list#,}]"
}
scored() { # TEXTS KIND…: makes what neither lane has begun, then waits for the other lane
  local text texts=${1//+/ }
  shift
  for text in $texts; do score "$text" "$@"; done
  for text in $texts; do need "${@/#/$text-}"; done
}
four() {
  scored "$2" trunk exact
  unit "$1" exact --set "flows.*.read-shards.from=$(shards "$2" trunk)" --set "flows.bytes-exact.read-shards.from=$(shards "$2" exact)" "${@:3}"
}
eight=kept-8
more() {
  scored "$2" trunk exact $eight
  unit "$1" exact-more --set "flows.*.read-shards.from=$(shards "$2" trunk)" --set "flows.exact-8.read-shards.from=$(shards "$2" $eight)" \
    --set "flows.exact-sft.read-shards.from=$(shards "$2" exact)" --set "flows.exact-ends.read-shards.from=$(shards "$2" exact)" "${@:3}"
}
long=(--set 'flows.*.update-student.steps=1500' --set 'flows.*.update-student.warmupSteps=150')

# --- Learning rates: other transfer text, judged on rows that the teacher learnt from; nothing of it is reported.
other=(--set seed=11 --set 'flows.*.evaluate.exactBytes=false')
for domain in maths:5000 plays:300 articles:40; do
  other+=(--set "flows.judge-${domain%:*}.read-parquet.files=[\"$train-${domain%:*}.parquet\"]" --set "flows.judge-${domain%:*}.read-parquet.skipRows=${domain#*:}")
done
search() {
  local rate
  for rate in 1.25e-3 2.5e-3 5e-3 1e-2; do four search-$rate search "${other[@]}" --set "flows.*.update-student.learningRate=$rate"; done
  for rate in 1.25e-3 2.5e-3 5e-3 1e-2; do eight=exact more more-search-$rate search "${other[@]}" --set "flows.*.update-student.learningRate=$rate"; done
}
subword-search() {
  local rate
  scored search exact
  for rate in 3e-4 1e-3 3e-3; do
    unit subword-search-$rate exact-subword --set "flows.realign.read-shards.from=$(shards search exact)" "${other[@]}" --set "flows.*.update-student.learningRate=$rate"
  done
}

# --- One domain, judged on the others; little text; the teacher's own domains.
one() { local seed; for seed in ${SEEDS:-1 2 3 4 5}; do four one-seed$seed maths --set seed=$seed; done; }
little() { local seed; for seed in ${SEEDS:-1 2 3 4 5}; do four little-seed$seed little --set seed=$seed; done; }
own() { local seed; for seed in ${SEEDS:-1 2 3 4 5}; do four own-seed$seed maths+plays+articles --set seed=$seed; done; }
one-more() { local seed; for seed in ${SEEDS:-1 2}; do more one-more-seed$seed maths --set seed=$seed; done; }
little-more() { local seed; for seed in ${SEEDS:-1 2}; do more little-more-seed$seed little --set seed=$seed; done; }
own-more() { local seed; for seed in ${SEEDS:-1 2}; do more own-more-seed$seed maths+plays+articles --set seed=$seed; done; }
one-slow() { local seed; for seed in ${SEEDS:-1 2 3 4 5}; do four one-slow-seed$seed maths --set seed=$seed --set 'flows.*.update-student.learningRate=2.5e-3'; done; }
one-long() { local seed; for seed in ${SEEDS:-1 2}; do four one-long-seed$seed maths --set seed=$seed "${long[@]}"; done; }
little-long() { local seed; for seed in ${SEEDS:-1 2}; do four little-long-seed$seed little --set seed=$seed "${long[@]}"; done; }
own-long() { local seed; for seed in ${SEEDS:-1 2}; do four own-long-seed$seed maths+plays+articles --set seed=$seed "${long[@]}"; done; }

# --- To subwords.
subword() {
  local seed
  scored maths exact
  for seed in ${SEEDS:-1 2 3}; do unit subword-seed$seed exact-subword --set seed=$seed; done
}

# --- Bytes kept, and contexts pruned.
curves() {
  local seed kinds="kept-1 kept-2 kept-4 kept-256 prune-1e-1 prune-1e-2 prune-0"
  scored maths trunk exact kept-8 $kinds
  for seed in ${SEEDS:-1 2}; do unit curves-seed$seed exact-curves --set seed=$seed; done
}

# --- The teacher's answers to openings of problems.
answers() {
  local name verb seed
  for name in Tom Mary John Sarah Mike Lisa James Emily Mark Anna David Julia Peter Alice Sam Jenny Ben Carla Paul Rachel; do
    for verb in has had is was buys bought sells makes wants needs "went to" works gets gave can reads eats and "'s" ran; do
      echo "{\"text\": \"$name $verb\"}"
    done
  done | sed "s/ 's/'s/" > "$runs/prompts.jsonl.$$" && mv "$runs/prompts.jsonl.$$" "$runs/prompts.jsonl"
  unit answers exact-answers
  need answers
  for seed in ${SEEDS:-1 2}; do four answers-seed$seed answers --set seed=$seed; done
}

[ $# -gt 0 ] || set -- search one one-slow one-more subword-search subword little own one-long little-more own-more curves answers little-long own-long
for part in "$@"; do $part; done
