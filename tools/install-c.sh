#!/usr/bin/env bash
# Installs the C library under a prefix: libsoftcp.so and libsoftcp.a, softcp.pc, softcp.h and softcp_ddi.h.
#
# Usage: tools/install-c.sh PREFIX [OPTION OF cargo cinstall]...
#   tools/install-c.sh ~/.local
#   tools/install-c.sh /usr --destdir package --libdir /usr/lib/x86_64-linux-gnu
#
# Needs cargo-c: cargo install cargo-c --locked --version 0.10.24+cargo-0.98.0
set -euo pipefail

if [ $# -lt 1 ]; then
    sed -n '2,/^set /{/^#/s/^# \{0,1\}//p}' "$0" >&2
    exit 2
fi
if ! cargo cinstall --version >/dev/null 2>&1; then
    echo "cargo-c is missing: cargo install cargo-c --locked --version 0.10.24+cargo-0.98.0" >&2
    exit 3
fi
prefix=$(realpath -m "$1")
shift
libdir=(--libdir "$prefix/lib") # else cargo-c takes the distribution's, as lib/x86_64-linux-gnu
case " $* " in *" --libdir"*) libdir=() ;; esac
cd "$(dirname "$0")/.."
exec cargo cinstall -p softcp-ddi --release --prefix "$prefix" "${libdir[@]}" "$@"
