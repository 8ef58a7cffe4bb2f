# For tests in shell, which begin with  . "$(dirname "$0")/../scratch.sh"  and have the program as first argument: they
# run in a directory of their own, with a cache of its own, which are gone at the end.
tests=$(dirname "$(realpath "$0")") # where the test and its helpers are
fovea=$(realpath "$1")
python=/usr/bin/python3
here=$(mktemp -d) || exit 1
trap 'rm -rf "$here"' EXIT
cd "$here" || exit 1
export XDG_CACHE_HOME="$here/cache"

fail() {
    echo "$*"
    exit 1
}

skip() { # why
    echo "SKIP: $*"
    exit 77
}

# until_true COMMAND...: within a minute; a loaded machine may take long for anything
until_true() {
    tries=0
    until "$@"; do
        tries=$((tries + 1))
        [ $tries -lt 1200 ] || fail "never came true: $*"
        sleep 0.05
    done
}
