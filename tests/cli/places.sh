#!/bin/sh
# places.sh PROGRAM: directories that may not be written, and directories that vanish under a training. Each ends with
# status 4 and a message; what was there before is untouched, and nothing half-written is left. Exits 77 where root can
# not become somebody else, for whom alone there are such directories.
set -u
if [ "$(id -u)" -eq 0 ] && [ "${2:-}" != inside ]; then
    as="setpriv --reuid 65534 --regid 65534 --clear-groups"
    here=$(mktemp -d) && chmod 755 "$here" && mkdir "$here/home" && chown 65534:65534 "$here/home" || exit 1
    mkdir "$here/cli" && cp "$0" "$1" "$here/cli" && cp "$(dirname "$0")/../scratch.sh" "$here" || exit 1
    fovea=$here/cli/${1##*/} # root's own directories may be closed to others
    if $as "$fovea" version >/dev/null 2>&1; then
        $as env -C "$here/home" TMPDIR="$here/home" HOME="$here/home" sh "$here/cli/${0##*/}" "$fovea" inside
        status=$?
    else
        echo "SKIP: root cannot run a program as another user here"
        status=77
    fi
    rm -rf "$here"
    exit $status
fi
. "$(dirname "$0")/../scratch.sh"
trap 'chmod -R u+w "$here"; rm -rf "$here"' EXIT
unset FOVEA_DATA

# refused ARGUMENTS...: status 4 and a message that names what and why
refused() {
    "$fovea" "$@" >rows 2>messages
    status=$?
    [ $status -eq 4 ] || fail "$*: status $status: $(cat messages)"
    grep -q '^fovea: .*: could not be [a-z]*: Permission denied' messages || fail "$*: $(cat messages)"
}

model="dense classes"
"$fovea" train digits --epochs 1 --model "$model" --quiet --out run || exit 1
"$fovea" train digits --epochs 100000 --model "$model" --quiet --out begun 2>messages &
pid=$!
until_true [ -e begun/checkpoint.safetensors ]
kill -9 $pid
wait $pid 2>/dev/null
mkdir empty images images/a images/b
for i in 0 1 2 3 4 5 6 7; do
    printf 'P5 2 2 255\nabc%s' $i >images/a/$i.pgm
    printf 'P5 2 2 255\nxyz%s' $i >images/b/$i.pgm
done
find run begun -type f -exec cksum {} + | sort >before
chmod a-w run begun empty
mkdir -m 555 cache

refused train digits --epochs 1 --quiet --out empty
refused train digits --epochs 1 --quiet --out empty/run
refused train --resume begun --quiet
refused study digits --epochs 1 --seeds 1 --quiet --out empty
refused study digits --epochs 1 --seeds 1 --quiet --out empty/study
refused report run --quiet
refused eval run
refused data preview digits --augment mild -o empty/sheet.png
refused data info digits --html empty/sheet.html
refused data get kmnist --mirror "file://$here/images"
for format in safetensors onnx npz c; do
    refused export run --quiet --format $format -o empty/exported.$format
done
"$fovea" data info images >rows 2>messages || fail "without a cache: $(cat messages)"
grep -q '^fovea: .*cache.*could not be' messages || fail "nothing is said of the cache: $(cat messages)"
"$fovea" predict run images/a/1.pgm >rows 2>messages || fail "predict only reads: $(cat messages)"
"$fovea" verify run --quiet || fail "verify only reads"
chmod u+w run begun empty
[ -z "$(ls empty)" ] || fail "left behind: $(ls empty)"
find run begun -type f -exec cksum {} + | sort | cmp -s - before || fail "files from before were changed"

# vanishes FILE ARGUMENTS...: the directory `gone` is removed when FILE has come
vanishes() {
    file=$1
    shift
    timeout 120 "$fovea" "$@" --quiet --out gone >rows 2>messages &
    pid=$!
    until_true [ -e "gone/$file" ]
    until rm -rf gone 2>/dev/null; do :; done
    wait $pid
    status=$?
    [ $status -eq 4 ] || fail "$*: status $status: $(cat messages)"
    grep -q '^fovea: gone/.*: could not be written: No such file or directory' messages || fail "$*: $(cat messages)"
    [ ! -e gone ] || fail "$*: came again: $(find gone)"
}
vanishes checkpoint.safetensors train digits --epochs 100000 --model "$model"
vanishes trainings study digits --epochs 20 --seeds 5
