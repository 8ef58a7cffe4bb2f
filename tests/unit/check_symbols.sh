#!/bin/sh
# check_symbols.sh CC NM HEADERS SHARED STATIC OBJECT...: the shared library exports the functions that the public headers
# declare, each of them, and nothing else; the static one's names all begin with fv_; the program (its objects) calls
# nothing that the headers do not declare. Every header stands alone, in C and in C++ where there is a compiler of it.
set -eu
cc=$1 nm=$2 headers=$3 shared=$4 static=$5
shift 5
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
status=0
complain() {
    echo "$1:"
    sed 's/^/    /' "$2"
    status=1
}

for header in "$headers"/fovea/*.h; do
    name=fovea/$(basename "$header")
    grep -q "#include \"$name\"" "$headers/fovea/fovea.h" || [ "$name" = fovea/fovea.h ] || {
        echo "$name: not part of fovea.h"; status=1; }
    echo "#include \"$name\"" >"$folder/one.c"
    "$cc" -std=c17 -Wall -Wextra -pedantic -Werror -I"$headers" -fsyntax-only "$folder/one.c" || status=1
    ! command -v c++ >/dev/null || c++ -x c++ -Wall -Werror -I"$headers" -fsyntax-only "$folder/one.c" || status=1
done

# What the preprocessor leaves of the headers has no comments: a name before a parenthesis is a function.
echo '#include "fovea/fovea.h"' | "$cc" -E -P -I"$headers" - | grep -oE '\bfv_[a-z0-9_]+\(' | tr -d '(' | sort -u \
    >"$folder/declared"
"$nm" -D --defined-only "$shared" | awk '$2 != "A" { sub(/@.*/, "", $3); print $3 }' | sort -u >"$folder/exported"
[ "$(wc -l <"$folder/declared")" -ge 100 ] || { echo "cannot read the headers"; exit 1; }
comm -13 "$folder/declared" "$folder/exported" >"$folder/more"
comm -23 "$folder/declared" "$folder/exported" >"$folder/less"
[ ! -s "$folder/more" ] || complain "exported, but not declared by a public header" "$folder/more"
[ ! -s "$folder/less" ] || complain "declared by a public header, but not exported" "$folder/less"

"$nm" -g --defined-only "$static" 2>/dev/null | awk 'NF == 3 && $3 !~ /^fv_/ { print $3 }' >"$folder/foreign"
[ ! -s "$folder/foreign" ] || complain "in the static library, without fv_" "$folder/foreign"

"$nm" -u "$@" 2>/dev/null | awk '$1 == "U" && $2 ~ /^fv_/ { print $2 }' | sort -u >"$folder/called"
[ "$(wc -l <"$folder/called")" -ge 50 ] || { echo "cannot read the program's objects"; exit 1; }
comm -23 "$folder/called" "$folder/declared" >"$folder/private"
[ ! -s "$folder/private" ] || complain "called by the program, but not declared by a public header" "$folder/private"
exit $status
