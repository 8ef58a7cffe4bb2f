#!/bin/sh
# check_install.sh CMAKE BUILD: what `make install` installs is found by pkg-config and by find_package, and runs.
set -eu
cmake=$1 build=$(cd "$2" && pwd) examples=$(cd "$(dirname "$0")" && pwd)
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"$cmake" --install "$build" --prefix "$folder/installed" >/dev/null
mv "$folder/installed" "$folder/moved" # nothing may hold the path it was installed to

"$folder/moved/bin/fovea" version >/dev/null

export PKG_CONFIG_PATH="$folder/moved/lib/pkgconfig"
cd "$folder"
# shellcheck disable=SC2046 # the flags are words
${CC:-cc} "$examples/train.c" $(pkg-config --cflags --libs fovea) -o train
./train

"$cmake" -S "$examples" -B package -DCMAKE_PREFIX_PATH="$folder/moved" >/dev/null
"$cmake" --build package >/dev/null
package/example_train
