#!/bin/sh
# Bits per byte at zero steps under tokenizers that were never sampled: mean, FVT, OMP, FOCUS and the hypernetwork of RUN.
#   pipelines/study/hypernetwork.sh RUN TOKENIZERS OUT    RUN: a run of pipelines/hypernetwork.json;
#   TOKENIZERS: a folder of runs of pipelines/study/hypernetwork-donor.json (bytes are added). ALM says how alm is called.
set -eu
alm=${ALM:-dotnet artifacts/bin/Pipeline.Host/release/alm.dll}
run=$1 tokenizers=$2 out=$3
model=data/models/tiny-llama
mkdir -p "$out"
for target in "$tokenizers"/* bytes; do
  name=$(basename "$target")
  if [ "$name" = bytes ]; then tokenizer=bytes methods="mean fvt"; else tokenizer=$target/tokenizer methods="mean fvt omp focus"; fi
  models=""
  for how in $methods "hypernetwork:$run/hypernetwork"; do
    short=${how%%:*}
    donor=""
    case $how in omp|focus) donor="--donor $target/donor";; esac
    $alm transfer --model $model --tokenizer "$tokenizer" --embeddings "$how" $donor --untie false -o "$out/$name-$short"
    models="$models --model $short=$out/$name-$short"
  done
  echo "== $name"
  $alm evaluate $models --text data/text/test.parquet --max-documents 80
done
# The source's own tokenizer, through the network.
$alm transfer --model $model --tokenizer $model --embeddings "hypernetwork:$run/hypernetwork" -o "$out/source-hypernetwork"
$alm evaluate --model itself=$model --model hypernetwork="$out/source-hypernetwork" --text data/text/test.parquet --max-documents 80
