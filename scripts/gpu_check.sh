#!/usr/bin/env bash
# Checks and times bgmd on a machine with an NVIDIA GPU, which needs neither Go nor a
# network, in at most six minutes. On any machine with Go, first:
#
#   make build-gpu BIN=bin/bgmd-gpu
#   CGO_ENABLED=0 go build -tags gpu -ldflags '-s -w' -o bin/check ./internal/cuda/check
#   XZ_OPT=-9 tar -cJf bin/gpu.tar.xz -C bin bgmd-gpu check     9 MB
#
# Where Fashion-MNIST's files must be carried, too, they are smaller unpacked and packed
# again together, by xz: 26 MB. Then, in this repository on the machine with the GPU:
#
#   python3 -m tarfile -e bin/gpu.tar.xz bin
#   scripts/gpu_check.sh OUT DATA     DATA has fashion-mnist/, as `bgmd data get` leaves it
#
# OUT takes summary.txt, which is printed, too, and gpu.tar.gz with each part's output and
# the records of training. Each part says PASS, FAIL or SKIP; one that fails stops no other,
# but the script fails in the end. CHECK and BGMD name other programs. REHEARSE=1 takes
# small sizes, for the emulator, whose library BGMD_CUDA_LIBRARY names, and no DATA. LIMIT
# is another number of seconds than 335.
set -uo pipefail
out=${1:?usage: scripts/gpu_check.sh OUT DATA [PART]}
mkdir -p "$out" || exit
out=$(cd "$out" && pwd)
data=$(realpath -m "${2:-data}")
cd "$(dirname "$0")/.." || exit
check=${CHECK:-bin/check}
bgmd=${BGMD:-bin/bgmd-gpu}
rehearse=${REHEARSE:-}
all=${LIMIT:-335} # seconds for all parts but packing
failed=0

# part NAME SECONDS COMMAND... runs a part, with its output in OUT/NAME.txt.
part() {
    local name=$1 limit=$2 start=$SECONDS verdict=PASS code
    shift 2
    if [ $((all - SECONDS)) -lt "$limit" ]; then
        limit=$((all - SECONDS))
    fi
    if [ "$limit" -lt 1 ]; then
        say "SKIP $name: no time is left"
        return
    fi
    timeout -k 10 "$limit" "$@" >"$out/$name.txt" 2>&1
    code=$?
    sed -i "s|$out/||g" "$out/$name.txt" # the machine's folders are nobody's business
    if [ "$code" -ne 0 ] && [ "$name $code" != "cells 124" ]; then
        verdict="FAIL (exit $code)"
        failed=1
        tail -n 5 "$out/$name.txt" | cut -c 1-400
    fi
    say "$verdict $name, $((SECONDS - start)) s"
}

# say prints a line, and keeps it.
say() { echo "$*" | tee -a "$out/verdicts.txt"; }

# have COMMAND PART says that a part cannot run without a command.
have() {
    command -v "$1" >/dev/null && return
    say "SKIP $2: no $1"
    return 1
}

# field KEY FILE prints a number of each line of JSON in FILE.
field() { sed -n "s/.*\"$1\":\(-\{0,1\}[0-9.e+-]*\)[,}].*/\1/p" "$2"; }

# assemble puts the kernels through NVIDIA's assembler for several processors: registers, spills.
assemble() {
    local arch
    for arch in sm_75 sm_80 sm_90 sm_100; do
        ptxas -v "-arch=$arch" internal/cuda/kernels/kernels.ptx -o /dev/null >"$out/$arch.log" 2>&1 &
    done
    wait
    for arch in sm_75 sm_80 sm_90 sm_100; do
        echo "== $arch"
        cat "$out/$arch.log"
    done
    echo "== spills, local memory, and what did not assemble"
    ! grep -E '[1-9][0-9]* bytes (spill|stack)|^ptxas (error|fatal)' "$out"/sm_*.log
    local found=$?
    rm "$out"/sm_*.log
    return "$found"
}

# train runs LeNet, clean, for five epochs, and holds it against the CPU's record.
train() {
    local theirs=results/table2/fashion-mnist/clean-sgd/seed-1-d5ab62a9 ours settings=(--set "data.dir=$data")
    if [ -n "$rehearse" ]; then
        settings=(--set data.set=synthetic --set data.clients=3 --set data.batch=200 --set model.name=mlp --set epochs=2)
        "$bgmd" run --config "$theirs/config.yaml" "${settings[@]}" --out "$out/host" || return
        theirs=$(echo "$out"/host/*/seed-*)
    fi
    "$bgmd" run --config "results/table2/fashion-mnist/clean-sgd/seed-1-d5ab62a9/config.yaml" "${settings[@]}" --device gpu --out "$out/train" || return
    ours=$(echo "$out"/train/*/seed-*)
    echo "epoch, training loss and test accuracy of the CPU, of the GPU:"
    paste <(field epoch "$theirs/metrics.jsonl") <(field train_loss "$theirs/metrics.jsonl" | sed '1i NaN') <(field test_accuracy "$theirs/metrics.jsonl") \
        <(field train_loss "$ours/metrics.jsonl" | sed '1i NaN') <(field test_accuracy "$ours/metrics.jsonl") | tee "$out/compared.txt"
    # The first epoch's loss within 1 %, the last accuracy within a point.
    awk 'function abs(x) { return x < 0 ? -x : x }
        NF != 5 { bad = "a line of " NF " fields" }
        $1 == 1 && !(abs($4 - $2) <= 0.01 * $2) { bad = "the first loss is " $4 ", want " $2 " within 1 %" }
        { last = $5; want = $3 }
        END { if (!bad && !(NR > 1 && abs(last - want) <= 1)) bad = "the accuracy is " last ", want " want " within a point"; if (bad) { print bad; exit 1 } }' "$out/compared.txt"
}

# steps times a step of each model, with the shares of its phases.
steps() {
    local size status=0
    for size in "lenet 32 16" "lenet 32 64" "mlp 32 64" "resnet18 10 128"; do
        read -r model clients batch <<<"$size"
        if [ -n "$rehearse" ]; then clients=2 batch=2; fi
        "$bgmd" bench step --device gpu --model "$model" --clients "$clients" --batch "$batch" --steps "${rehearse:-15}" || status=1
        echo
    done
    return "$status"
}

# rules times every rule on the device.
rules() {
    local size status=0
    for size in "32 1163978" "10 11181642"; do
        read -r n d <<<"$size"
        if [ -n "$rehearse" ]; then d=3000; fi
        "$bgmd" bench agg --device gpu --n "$n" --d "$d" --calls 3 || status=1
        echo
    done
    return "$status"
}

# peers times PyTorch, and bgmd beside it.
peers() {
    if [ -n "$rehearse" ]; then
        "${PYTHON:-python3}" scripts/peers_gpu.py --device cpu --steps resnet18:2:4 --matrices 5:1000 --rounds 1 --bgmd "$bgmd"
    else
        "${PYTHON:-python3}" scripts/peers_gpu.py --bgmd "$bgmd"
    fi
}

# cells trains Table 2's, the most telling first, the first alone, until its time is over.
cells() {
    trap : TERM # sweeps stop by themselves
    local jobs=1 cells settings=(--set "data.dir=$data" --set epochs=50)
    if [ -n "$rehearse" ]; then
        settings=(--set data.set=synthetic --set data.clients=5 --set data.batch=100 --set model.name=mlp --set epochs=1)
    fi
    for cells in clean-sgd additive40-bgmd,additive40-gmd,bitflip20-bgmd bitflip20-gmd,bitflip20-sgd,backdoor20-bgmd,backdoor20-gmd \
        impulse40-bgmd,impulse40-gmd,feature-additive40-bgmd feature-additive40-gmd,backdoor40-cmd,backdoor40-sgd additive20-cmd,impulse20-bgmd,impulse20-gmd; do
        "$bgmd" sweep --config configs/table2/fashion-mnist.yaml --seeds 1 --only "$cells" "${settings[@]}" --device gpu --jobs "$jobs" --out "$out/table2" || return
        jobs=3
    done
}

# whole lists the records of cells that were trained to their end, and removes the others.
whole() {
    local summary
    for summary in "$out"/table2/*/seed-*; do
        if grep -q '"status": "\(finished\|diverged\)"' "$summary/summary.json" 2>/dev/null; then
            echo "$(basename "$(dirname "$summary")"): $(grep -o '"\(status\|final_test_accuracy\|epochs\|total\)": [^,]*' "$summary/summary.json" | tr '\n' ' ')"
        else
            rm -rf "$summary"
        fi
    done
}

# digest prints what is worth seeing at once.
digest() {
    head -n 1 "$out/kernels.txt"
    grep -E '^(FAIL|DIFFERS|all )|, batch|  a step |  sum ' "$out/kernels.txt"
    for name in train steps rules peers; do
        [ -f "$out/$name.txt" ] && printf '\n== %s\n' "$name" && tail -n 40 "$out/$name.txt" | cut -c 1-160
    done
    printf '\n== cells of Table 2\n'
    whole
    printf '\n== parts\n'
    cat "$out/verdicts.txt"
}

case ${3:-} in
"") ;;
assemble) assemble; exit ;;
train) train; exit ;;
steps) steps; exit ;;
rules) rules; exit ;;
peers) peers; exit ;;
cells) cells; exit ;;
*) echo "gpu_check: no part $3" >&2; exit 2 ;;
esac

: >"$out/verdicts.txt"
self() { part "$1" "$2" "scripts/$(basename "$0")" "$out" "$data" "$1"; }
if have nvidia-smi gpu; then part gpu 10 nvidia-smi -q; fi
part kernels 45 "$check" -times ${rehearse:+-rehearse}
if have compute-sanitizer memcheck; then
    part memcheck 20 compute-sanitizer --tool memcheck --error-exitcode 9 "$check"
    part racecheck 40 compute-sanitizer --tool racecheck --error-exitcode 9 "$check"
fi
if have ptxas assemble; then self assemble 40; fi
self train 45
self steps 40
if "$bgmd" bench agg --help 2>&1 | grep -q -e --device; then self rules 30; else say "SKIP rules: this bgmd has no bench agg --device"; fi
if [ -n "$rehearse" ] || "${PYTHON:-python3}" -c 'import torch' 2>/dev/null; then self peers 75; else say "SKIP peers: no PyTorch"; fi
self cells "$all"
digest 2>&1 | tee "$out/summary.txt"
cd "$out" || exit
parts=(-mindepth 1 -maxdepth 1 ! -name gpu.tar.gz)
find . "${parts[@]}" -print0 | tar -czf gpu.tar.gz --exclude='*.safetensors' --exclude=.sweep --null -T - &&
    find . "${parts[@]}" ! -name summary.txt -exec rm -r {} +
exit "$failed"
