#!/usr/bin/env bash
# Checks the kernels of package internal/cuda on a machine with an NVIDIA GPU, which needs
# neither Go nor a network. On any machine with Go, first:
#
#   CGO_ENABLED=0 go build -tags gpu -ldflags '-s -w' -o bin/check ./internal/cuda/check
#
# and then, on the one with the GPU:
#
#   scripts/gpu_check.sh FOLDER     FOLDER takes what it finds
#
# CHECK is the program (bin/check). With REHEARSE=1 times are of small sizes, for the
# emulator, whose library BGMD_CUDA_LIBRARY names. Each part says PASS, FAIL or SKIP in FOLDER/summary.txt
# and leaves its output beside it; the script fails if one of them does.
set -uo pipefail
cd "$(dirname "$0")/.." || exit
out=${1:?usage: scripts/gpu_check.sh FOLDER}
check=${CHECK:-bin/check}
mkdir -p "$out" || exit
failed=0

# part NAME SECONDS COMMAND... runs a part, with its output in FOLDER/NAME.txt.
part() {
    local name=$1 limit=$2 start=$SECONDS verdict=PASS code
    shift 2
    timeout "$limit" "$@" >"$out/$name.txt" 2>&1
    code=$?
    if [ "$code" -ne 0 ]; then
        verdict="FAIL (exit $code)"
        failed=1
        tail -n 20 "$out/$name.txt"
    fi
    echo "$verdict $name $((SECONDS - start)) s" | tee -a "$out/summary.txt"
}

# have COMMAND PART says that a part cannot run without a command.
have() {
    command -v "$1" >"$out/which.txt" && rm -f "$out/which.txt" && return
    rm -f "$out/which.txt"
    echo "SKIP $2: no $1" | tee -a "$out/summary.txt"
    return 1
}

: >"$out/summary.txt"
have nvidia-smi gpu && part gpu 20 nvidia-smi -q

# Every kernel's bits against the emulator's, and the times of steps' kernels.
part kernels 150 "$check" -times ${REHEARSE:+-rehearse}
cat "$out/kernels.txt"

# The same under NVIDIA's own checks: out of bounds, and missing barriers.
if have compute-sanitizer sanitizer; then
    part memcheck 90 compute-sanitizer --tool memcheck --error-exitcode 9 "$check"
    part racecheck 90 compute-sanitizer --tool racecheck --error-exitcode 9 "$check"
    part synccheck 60 compute-sanitizer --tool synccheck --error-exitcode 9 "$check"
    part initcheck 60 compute-sanitizer --tool initcheck --error-exitcode 9 "$check"
fi

# What NVIDIA's assembler makes of the kernels: registers and spills.
if have ptxas ptxas; then
    for arch in sm_75 sm_80 sm_90 sm_100; do
        part "ptxas-$arch" 60 ptxas -v "-arch=$arch" internal/cuda/kernels/kernels.ptx -o /dev/null
        grep -B1 '[1-9][0-9]* bytes spill' "$out/ptxas-$arch.txt"
    done
fi
exit "$failed"
