#!/bin/sh
# check_core_symbols.sh CC NM OBJECT...: no object of the core may call the C library's mathematics, whose last bits differ
# between machines. fmaf is exact by definition.
set -eu
cc=$1 nm=$2
shift 2
allowed='fmaf'

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"$nm" -D --defined-only "$("$cc" -print-file-name=libm.so.6)" | sed 's/.* //; s/@.*//' | sort -u >"$folder/libm"
grep -qx expf "$folder/libm" || { echo "cannot read the names in libm"; exit 1; }

status=0
for object in "$@"; do
    "$nm" -u "$object" | sed 's/.* //; s/@.*//' | sort -u >"$folder/called"
    found=$(comm -12 "$folder/libm" "$folder/called" | grep -vxE "$allowed" | tr '\n' ' ' || true)
    [ -z "$found" ] || { echo "$object calls $found" && status=1; }
done
[ $# -ge 10 ] || { echo "only $# objects: is this the core?"; exit 1; }
exit $status
