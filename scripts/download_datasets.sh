#!/bin/sh
# Downloads the data sets: "bgmd data get" in a shell script's clothes; see --help.
set -eu

prog=${0##*/}
root=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd)
bgmd=$root/bin/bgmd

usage() {
  cat <<HELP
usage: $prog [SET...] [DIR]

Downloads data sets (fashion-mnist, mnist, cifar-10, or all, which is the
default) into DIR (default: data), with bin/bgmd, which it builds if need be:

HELP
  "$bgmd" data get --help | sed '/^Usage:/,$d'
  echo 'Exit status: 0 all right, 1 something could not be fetched, 2 wrong usage.'
}

if [ ! -x "$bgmd" ]; then
  command -v go >/dev/null || { echo "$prog: there is no $bgmd, nor Go to build it" >&2; exit 1; }
  CGO_ENABLED=0 go build -C "$root" -o "$bgmd" ./cmd/bgmd
fi
case ${1:-} in
  -h | --help) usage; exit 0 ;;
  -*) echo "$prog: unknown option $1; see $prog --help" >&2; exit 2 ;;
esac
sets=
while [ "$#" -gt 0 ]; do
  case $1 in
    fashion-mnist | mnist | cifar-10 | all) sets="$sets $1" ;;
    *) break ;;
  esac
  shift
done
have='(have fashion-mnist, mnist, cifar-10, all)'
if [ "$#" -gt 1 ]; then
  echo "$prog: unknown set '$1' $have; see $prog --help" >&2
  exit 2
fi
if [ -z "$sets" ] && [ "$#" -eq 1 ]; then
  echo "$prog: found '$1' and no set before it $have; see $prog --help" >&2
  exit 2
fi
# shellcheck disable=SC2086 # the names of sets have no spaces
exec "$bgmd" data get ${sets:-all} --dir "${1:-data}"
