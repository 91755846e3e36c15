#!/usr/bin/env bash
# Trains what results/ lacks, the run that tells most first, one at a time on all
# cores and at the lowest priority. It can be stopped at any point (Ctrl-C, SIGTERM)
# and called again, and commits nothing.
#
#   scripts/evidence.sh [FOLDER]     FOLDER takes the records; results/ without one
#
# BGMD is the program (bin/bgmd), DATA the folder of the data sets (data).
set -uo pipefail
cd "$(dirname "$0")/.." || exit
out=${1:-results}
bgmd=${BGMD:-bin/bgmd}
data=${DATA:-data}

# Bash runs a trap only when what it waits for has ended, but for wait itself.
child=
trap 'kill "$child" 2>/dev/null && wait "$child"; exit 130' INT TERM

# sweep GRID FOLDER ARGS... trains the runs of a grid that are not there yet.
sweep() {
    local grid=$1 folder=$2
    shift 2
    nice -n 19 "$bgmd" sweep --config "configs/$grid.yaml" --out "$out/$folder" --jobs 1 --set "data.dir=$data" "$@" &
    child=$!
    wait "$child"
}

# Table 3: the MLP by the paper's protocol and what its memory does, minutes in all;
# LeNet as its authors ran it.
sweep table3/mnist-mlp table3/mnist-mlp --seeds 1,2,3
sweep memory/mnist-mlp memory/mnist-mlp --seeds 1,2,3
sweep table3/mnist-lenet table3/mnist-lenet --seeds 1

# Table 2, Fashion-MNIST, the paper's 50 epochs: first one seed of each cell, then two
# more of those that train; the others take seconds.
fashion=(table2/fashion-mnist table2/fashion-mnist --set epochs=50)
lost='bitflip*-sgd,additive*-sgd'
sweep "${fashion[@]}" --seeds 1
sweep "${fashion[@]}" --seeds 1,2,3,4,5 --only "$lost"
sweep table3/mnist-lenet table3/mnist-lenet --seeds 1,2,3
sweep "${fashion[@]}" --seeds 1,2,3

# Table 2, CIFAR-10.
cifar=(table2/cifar-10 table2/cifar-10 --seeds 1)
sweep "${cifar[@]}" --set epochs=20 --only 'clean-*,bitflip20-*,additive20-*'

sweep "${fashion[@]}" --seeds 1,2,3,4,5
