#!/bin/sh
# check_documented.sh SOURCES: doxygen finds a comment for every function, type and macro of the public headers.
set -eu
command -v doxygen >/dev/null || { echo "no doxygen on this machine"; exit 77; }
cd "$1"
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
(cat docs/Doxyfile && echo "OUTPUT_DIRECTORY = $folder") | doxygen - >"$folder/log" 2>&1
n=$(find "$folder/doxygen" -name '*_8h.html' | wc -l)
[ "$n" -eq "$(find include/fovea -name '*.h' | wc -l)" ] || { echo "pages of only $n headers"; exit 1; }
# the fields of a struct are told by its comment where they have none
if grep -E 'not documented' "$folder/log" | grep -E 'Compound|\((function|typedef|enumeration|macro definition)\)'; then exit 1; fi
