#!/bin/sh
# check_core_symbols.sh CC NM OBJECT...: no object of the core may call the C library's mathematics, whose last bits differ
# between machines. What is allowed is exact by definition.
set -eu
cc=$1 nm=$2
shift 2
allowed='fmaf floor'

[ $# -ge 10 ] || { echo "only $# objects: is this the core?"; exit 1; }
libm=$("$nm" -D --defined-only "$("$cc" -print-file-name=libm.so.6)" | sed 's/.* //; s/@.*//')
echo "$libm" | grep -qx expf || { echo "cannot read the names in libm"; exit 1; }

# Lines "object: U name", checked against the names of libm.
found=$("$nm" -uA "$@" | awk -v names="$libm" -v allowed="$allowed" '
    BEGIN { n = split(names, name, "\n"); for (i = 1; i <= n; i++) libm[name[i]]
            n = split(allowed, name, " "); for (i = 1; i <= n; i++) delete libm[name[i]] }
    { sub(/@.*/, "", $NF); if ($NF in libm) print $1, "calls", $NF }')
[ -z "$found" ] || { echo "$found"; exit 1; }
