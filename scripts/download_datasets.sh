#!/bin/sh
# Downloads the data sets from their publishers and checks them; see --help.
set -eu

prog=${0##*/}
fashion_mnist_url=${BGMD_FASHION_MNIST_URL:-http://fashion-mnist.s3-website.eu-central-1.amazonaws.com}
mnist_url=${BGMD_MNIST_URL:-https://ossci-datasets.s3.amazonaws.com/mnist}
cifar_10_url=${BGMD_CIFAR_10_URL:-https://www.cs.toronto.edu/~kriz}

usage() {
  cat <<HELP
usage: $prog [SET...] [DIR]

Downloads data sets (fashion-mnist, mnist, cifar-10, or all, which is the
default) into DIR (default: data):

  DIR/fashion-mnist/*.gz            4 files, 31 MB
  DIR/mnist/*.gz                    4 files, 12 MB
  DIR/cifar-10-batches-bin/*.bin    6 files, 184 MB (162 MB to download)

What is there already and right is left alone; a .gz file that is not right is
moved to FILE.bad, .bin files of another origin are replaced. A download that was
cut off goes on where it stopped. Nothing gets its final name before its MD5 sum
was found right: of the unzipped bytes for the .gz files, so that a mirror may zip
them anew, and of cifar-10-binary.tar.gz as a whole.

Mirrors: each variable is the URL of the folder that holds a set's files.

  BGMD_FASHION_MNIST_URL   $fashion_mnist_url
  BGMD_MNIST_URL           $mnist_url
  BGMD_CIFAR_10_URL        $cifar_10_url

BGMD_SUMS names a file to take the sums from instead of this script's own table,
in the form of its lines: an MD5 sum, white space, SET/FILE without .gz. It is
for mirrors of other versions of the sets, and for the script's own tests.

Exit status: 0 all right, 1 something could not be fetched, 2 wrong usage.
HELP
}

# sums prints the table of MD5 sums.
sums() {
  if [ -n "${BGMD_SUMS:-}" ]; then
    cat "$BGMD_SUMS"
    return
  fi
  cat <<TABLE
f4a8712d7a061bf5bd6d2ca38dc4d50a  fashion-mnist/train-images-idx3-ubyte
9018921c3c673c538a1fc5bad174d6f9  fashion-mnist/train-labels-idx1-ubyte
8181f5470baa50b63fa0f6fddb340f0a  fashion-mnist/t10k-images-idx3-ubyte
15d484375f8d13e6eb1aabb0c3f46965  fashion-mnist/t10k-labels-idx1-ubyte
6bbc9ace898e44ae57da46a324031adb  mnist/train-images-idx3-ubyte
a25bea736e30d166cdddb491f175f624  mnist/train-labels-idx1-ubyte
2646ac647ad5339dbf082846283269ea  mnist/t10k-images-idx3-ubyte
27ae3e4e09519cfbb04c329615203637  mnist/t10k-labels-idx1-ubyte
c32a1d4ab5d03f1284b67883e8d87530  cifar-10/cifar-10-binary.tar
TABLE
}

# say prints a message to standard error.
say() { printf '%s: %s\n' "$prog" "$*" >&2; }

# die says why and ends the script.
die() { say "$@"; exit 1; }

# md5 prints the MD5 sum of standard input.
md5() {
  if command -v md5sum >/dev/null; then
    md5sum | cut -d ' ' -f 1
  elif command -v openssl >/dev/null; then
    openssl md5 -r | cut -d ' ' -f 1
  else
    command md5 -q
  fi
}

# wanted SET/FILE prints the sum that the table has for it.
wanted() {
  sum=$(sums | awk -v name="$1" '$2 == name { print $1 }')
  [ -n "$sum" ] || die "no MD5 sum for $1 in ${BGMD_SUMS:-the table}"
  printf '%s\n' "$sum"
}

# right FILE WANT is true if FILE is a whole gzip file and WANT is the MD5 sum
# of its contents, or of FILE itself if that is a tar archive. It sets found to
# what was found otherwise.
right() {
  if ! gzip -t <"$1" 2>/dev/null; then
    found='not a whole gzip file'
    return 1
  fi
  case $1 in
    *.tar.gz | *.tar.gz.part) found="MD5 sum $(md5 <"$1")" ;;
    *) found="MD5 sum $(gzip -dc <"$1" | md5)" ;;
  esac
  [ "$found" = "MD5 sum $2" ]
}

# download URL PART continues PART from URL, or starts it. If that fails it sets
# problem to why, and hopeless to yes if continuing PART can never succeed.
download() {
  say "fetching $1"
  if [ -t 2 ]; then progress=--progress-bar; else progress=--silent; fi
  status=0
  code=$(curl -fL "$progress" --retry 3 --connect-timeout 30 --speed-limit 1 --speed-time 60 \
    -C - -o "$2" -w '%{http_code}' "$1") || status=$?
  hopeless=no
  case $status in
    0) return 0 ;;
    6) problem='host not found' ;;
    7) problem='no connection' ;;
    18) problem='transfer cut off' ;;
    22) problem="HTTP status $code" ;;
    28) problem='timed out' ;;
    *) problem="curl's exit status $status" ;;
  esac
  case $status/$code in 33/* | 36/* | 22/416) hopeless=yes ;; esac
  return 1
}

# fetch URL FILE SET/NAME makes FILE the file at URL. The download goes to
# FILE.part, which stays only if it can be continued. Whatever is wrong with a
# continued download, from a server that cannot continue to a first half of
# another file, a new start may mend it.
fetch() {
  want=$(wanted "$3")
  if [ -f "$2" ]; then
    if right "$2" "$want"; then
      say "$2 is there already"
      return
    fi
    say "$2 is not right ($found, want $want), moving it to $2.bad"
    mv -f "$2" "$2.bad"
  fi
  mkdir -p "${2%/*}"
  for start in continued new; do
    if [ "$start" = new ]; then
      rm -f "$2.part"
    elif [ ! -s "$2.part" ]; then
      continue
    elif right "$2.part" "$want"; then
      mv -f "$2.part" "$2"
      return
    fi
    if download "$1" "$2.part"; then
      if right "$2.part" "$want"; then
        mv -f "$2.part" "$2"
        return
      fi
      problem="$found, want $want"
    elif [ "$hopeless" = no ]; then
      [ ! -s "$2.part" ] || problem="$problem, run this again to go on"
      die "$1: $problem"
    fi
    [ "$start" = new ] || say "cannot continue $2.part ($problem), starting again"
  done
  rm -f "$2.part"
  die "$1: $problem"
}

# idx_set SET URL fetches the four files of an MNIST-like set.
idx_set() {
  for name in train-images-idx3-ubyte train-labels-idx1-ubyte \
    t10k-images-idx3-ubyte t10k-labels-idx1-ubyte; do
    fetch "${2%/}/$name.gz" "$dir/$1/$name.gz" "$1/$name"
  done
}

# cifar_10 fetches and unpacks the archive. The sums of the unpacked files go to
# MD5SUMS beside them, written last, by which a later run knows them.
cifar_10() {
  target=$dir/cifar-10-batches-bin
  archive=$dir/cifar-10-binary.tar.gz
  want=$(wanted cifar-10/cifar-10-binary.tar)
  if [ -f "$target/MD5SUMS" ] && [ "$(cifar_sums "$target" "$want")" = "$(cat "$target/MD5SUMS")" ]; then
    say "$target is there already"
    return
  fi
  fetch "${cifar_10_url%/}/cifar-10-binary.tar.gz" "$archive" cifar-10/cifar-10-binary.tar
  rm -rf "$target.part"
  mkdir -p "$target.part"
  gzip -dc <"$archive" | tar -xf - -C "$target.part"
  set -- "$target.part"/cifar-10-batches-bin/*.bin
  [ "$#" -eq 6 ] || die "$archive: found $# .bin files, want 6"
  mkdir -p "$target"
  rm -f "$target/MD5SUMS"
  mv -f "$target.part"/cifar-10-batches-bin/* "$target"
  cifar_sums "$target" "$want" >"$target.part/MD5SUMS"
  mv -f "$target.part/MD5SUMS" "$target"
  rm -rf "$target.part" "$archive"
}

# cifar_sums FOLDER SUM prints the archive's sum and those of the files that
# came out of it.
cifar_sums() {
  printf '%s  cifar-10-binary.tar.gz\n' "$2"
  for file in "$1"/*.bin; do
    [ -f "$file" ] || continue
    printf '%s  %s\n' "$(md5 <"$file")" "${file##*/}"
  done
}

case ${1:-} in
  -h | --help) usage; exit 0 ;;
  -*) say "unknown option $1; see $prog --help"; exit 2 ;;
esac
sets=
while [ "$#" -gt 0 ]; do
  case $1 in
    fashion-mnist | mnist | cifar-10) sets="$sets $1" ;;
    all) sets="$sets fashion-mnist mnist cifar-10" ;;
    *) break ;;
  esac
  shift
done
if [ "$#" -gt 1 ]; then
  say "unknown set '$1' (have fashion-mnist, mnist, cifar-10, all); see $prog --help"
  exit 2
fi
if [ -z "$sets" ] && [ "$#" -eq 1 ]; then
  say "found '$1' and no set before it (have fashion-mnist, mnist, cifar-10, all); see $prog --help"
  exit 2
fi
dir=${1:-data}
case $dir in -*) dir=./$dir ;; esac
for tool in curl gzip awk cut; do
  command -v "$tool" >/dev/null || die "$tool is not installed"
done
for set in ${sets:-fashion-mnist mnist cifar-10}; do
  case $set in
    fashion-mnist) idx_set fashion-mnist "$fashion_mnist_url" ;;
    mnist) idx_set mnist "$mnist_url" ;;
    cifar-10) cifar_10 ;;
  esac
done
