#!/bin/sh
# check_install.sh CMAKE BUILD: what `make install` installs is found by pkg-config and by find_package, as a shared and
# as a static library, and the examples do with it what they are there for.
set -eu
cmake=$1 build=$(cd "$2" && pwd) examples=$(cd "$(dirname "$0")" && pwd)
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"$cmake" --install "$build" --prefix "$folder/installed" >/dev/null
mv "$folder/installed" "$folder/moved" # nothing may hold the path it was installed to
library=$(cd "$folder"/moved/lib*/pkgconfig/.. && pwd)
if grep -rlI "$folder/installed" "$folder/moved"; then echo "hold the path of the installation"; exit 1; fi

for file in man/man1/fovea.1.gz man/man1/fovea-train.1.gz bash-completion/completions/fovea zsh/site-functions/_fovea \
    fish/vendor_completions.d/fovea.fish; do
    [ -s "$folder/moved/share/$file" ] || { echo "share/$file: not installed"; exit 1; }
done
"$folder/moved/bin/fovea" version >/dev/null
cd "$folder"
cat >zero.pgm <<END
P2 8 8 255
0 0 60 200 200 60 0 0
0 60 240 220 220 240 60 0
0 200 200 0 0 200 200 0
0 220 120 0 0 120 220 0
0 220 120 0 0 120 220 0
0 200 200 0 0 200 200 0
0 60 240 220 220 240 60 0
0 0 60 200 200 60 0 0
END

check() { # how, then the three programs
    "$2" >train.txt && "$4" >embed.txt && "$3" digits.safetensors zero.pgm >predict.txt || { echo "$1: failed"; exit 1; }
    grep -q '^test 3[0-9][0-9] of 360 right' train.txt && grep -q '^39[0-9] of 400' embed.txt &&
        grep -q '^zero.pgm: 0,' predict.txt || { echo "$1:"; cat train.txt embed.txt predict.txt; exit 1; }
    if "$3" digits.safetensors absent.png 2>error.txt; then echo "$1: predicts what is not there"; exit 1; fi
    grep -q absent.png error.txt
    rm digits.safetensors
}

export PKG_CONFIG_PATH="$library/pkgconfig"
for example in train predict embed; do
    # shellcheck disable=SC2046 # the flags are words
    ${CC:-cc} "$examples/$example.c" $(pkg-config --cflags --libs fovea) -lm -o "shared_$example"
    readelf -d "shared_$example" | grep -q 'NEEDED.*libfovea\.so\.' || { echo "not linked with libfovea.so"; exit 1; }
    # shellcheck disable=SC2046
    ${CC:-cc} "$examples/$example.c" $(pkg-config --static --cflags --libs fovea | sed s/-lfovea/-l:libfovea.a/) \
        -o "static_$example"
done
(export LD_LIBRARY_PATH="$library" && check "pkg-config" ./shared_train ./shared_predict ./shared_embed)
check "pkg-config --static" ./static_train ./static_predict ./static_embed

for static in OFF ON; do
    "$cmake" -S "$examples" -B "cmake-$static" -DCMAKE_PREFIX_PATH="$folder/moved" -DSTATIC=$static >/dev/null
    "$cmake" --build "cmake-$static" >/dev/null
    check "find_package, static $static" "cmake-$static/example_train" "cmake-$static/example_predict" \
        "cmake-$static/example_embed"
done
