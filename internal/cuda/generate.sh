#!/bin/sh
# Makes kernels/kernels.ptx anew, by the compiler that the checked-in file is from.
set -eu
cd "$(dirname "$0")/kernels"
version=19.1.7
compiler=${CLANG:-clang-19}
case $("$compiler" --version) in
*" $version "*) ;;
*) echo "generate.sh: $compiler is not clang $version" >&2; exit 1 ;;
esac
# PTX 7.0 for compute capability 7.0: CUDA 11 and later, Volta and later.
"$compiler" -x cuda --cuda-device-only -nocudainc -nocudalib --cuda-gpu-arch=sm_70 --cuda-feature=+ptx70 \
	-O3 -S -std=c++20 -ffp-contract=off kernels.cu -o "${1:-kernels.ptx}"
