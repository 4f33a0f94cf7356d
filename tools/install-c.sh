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
cargo cinstall -p softcp-ddi --release --prefix "$prefix" "${libdir[@]}" "$@"

# cargo-c copies what `rustc --print native-static-libs` names into Libs.private. That list holds -lgcc_s, the shared half
# of gcc's runtime, of which there is no static library: `cc -static $(pkg-config --static --libs softcp)` could not be
# linked. The compiler driver adds the half that fits by itself (gcc_eh with -static, else gcc_s), so it goes here.
destdir='' pcdir='' given=("$@")
for index in "${!given[@]}"; do
    case ${given[$index]} in
    --destdir) destdir=${given[$((index + 1))]} ;;
    --destdir=*) destdir=${given[$index]#*=} ;;
    --libdir) pcdir=${given[$((index + 1))]}/pkgconfig ;;
    --libdir=*) pcdir=${given[$index]#*=}/pkgconfig ;;
    esac
done
for index in "${!given[@]}"; do
    case ${given[$index]} in
    --pkgconfigdir) pcdir=${given[$((index + 1))]} ;;
    --pkgconfigdir=*) pcdir=${given[$index]#*=} ;;
    esac
done
pcdir=${pcdir:-$prefix/lib/pkgconfig}
case $pcdir in /*) ;; *) pcdir=$prefix/$pcdir ;; esac
pc=${destdir:+$destdir/}$pcdir/softcp.pc
sed -i 's/ -lgcc_s\>//g' "$pc"
