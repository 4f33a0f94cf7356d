#!/usr/bin/env bash
# Builds selftest.exe with mingw-w64, statically: it needs nothing but what Windows has.
# Usage, from anywhere: bash tools/selftest/build.sh x86_64|i686 OUT.exe
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
tests=$root/tests
version=$(sed -n '/^\[workspace.package\]/,/^$/s/^version = "\(.*\)"$/\1/p' "$root/Cargo.toml")

objects=$(mktemp -d "$(dirname "$2")/selftest.XXXXXX")
trap 'rm -rf "$objects"' EXIT
# The same sources make the same program, wherever they lie.
flags=(-O1 -Wall -Wextra -Werror -D__USE_MINGW_ANSI_STDIO=1 "-ffile-prefix-map=$root=."
    "-DSELFTEST_VERSION=\"$version\"")
for source in "$tests"/wine/{crypto,gpu,client,guids}.c "$here"/{report,system}.c; do
    "$1-w64-mingw32-gcc" -std=gnu11 "${flags[@]}" -c "$source" -o "$objects/$(basename "$source" .c).o"
done
"$1-w64-mingw32-g++" -std=c++17 -fno-exceptions -fno-rtti "${flags[@]}" -c "$here/main.cpp" -o "$objects/main.o"
"$1-w64-mingw32-g++" "$objects"/*.o -o "$2" -static -s -Wl,--no-insert-timestamp -ldxgi -ldxguid -luuid -lbcrypt \
    -lcrypt32 -lversion
