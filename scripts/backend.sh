#!/bin/sh
# Prints the build tag "openblas" where this machine can link OpenBLAS, or nothing
# for the pure Go build.
#
# Usage: backend.sh [--install]
#   --install   first try to install OpenBLAS with the system's package manager
set -eu

case "${1-}" in
"" | --install) ;;
*)
    sed -n '2,6s/^# \{0,1\}//p' "$0" >&2
    exit 2
    ;;
esac

say() { echo "backend: $*" >&2; }

links() {
    command -v "${CC:-cc}" >/dev/null 2>&1 &&
        echo '#include <cblas.h>
int main(void) { return cblas_sgemm == 0; }' |
        "${CC:-cc}" -x c - -o /dev/null -lopenblas 2>/dev/null
}

as_root() {
    if [ "$(id -u)" = 0 ]; then
        "$@"
    elif command -v sudo >/dev/null 2>&1; then
        sudo -n "$@"
    else
        return 1
    fi
}

install() {
    if ! command -v apt-get >/dev/null 2>&1; then
        say "no apt-get here; install a C compiler and OpenBLAS yourself for the OpenBLAS build"
        return 0
    fi
    say "installing gcc and OpenBLAS (libopenblas-dev)"
    as_root apt-get update -q >&2 || true
    as_root env DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends gcc libc6-dev libopenblas-dev >&2 ||
        say "that did not work; as root: apt-get install gcc libc6-dev libopenblas-dev"
}

if ! links && [ "${1-}" = --install ]; then
    install
fi
if links; then
    say "OpenBLAS found: building with the tag openblas"
    echo openblas
else
    say "no OpenBLAS: building in pure Go"
fi
