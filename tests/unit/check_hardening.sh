#!/bin/sh
# check_hardening.sh FILE...: what the release build asks of compiler and linker is in the program and the library.
set -u
export LC_ALL=C
fail=0
need() { # what, readelf's option, pattern
    readelf -W "$2" "$program" | grep -qE "$3" && return
    echo "not in $program: $1"
    fail=1
}
[ $# -gt 0 ] || exit 1
for program; do
    need 'position-independent program' -h 'Type: +DYN'
    need 'read-only relocations' -l 'GNU_RELRO'
    need 'all symbols bound at start' -d 'BIND_NOW|FLAGS_1.*NOW'
    need 'stack that is not executable' -l 'GNU_STACK.* RW  '
    need 'stack protector' -s '__stack_chk_fail'
    need 'checked calls of the C library' -s '__(snprintf|memcpy|vsnprintf|fprintf|printf)_chk'
done
exit $fail
