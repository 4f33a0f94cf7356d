#!/usr/bin/env bash
# Packs SoftCP for Windows and Wine: the drop-in d3d11.dll and the C library softcp.dll, for x86_64 and, where the toolchain
# can build for it, i686; import libraries, headers, licences, a bill of materials, and docs/windows.md as USE.md.
#
# Usage, from anywhere: bash tools/package-windows.sh [OUT.zip]     [default: target/softcp-windows.zip]
#
# Needs mingw-w64 and zip; for i686 also nasm. tools/windows-toolchain.sh says where the compiler comes from.
set -euo pipefail

repository=$(realpath "$(dirname "$0")/..")
target=${CARGO_TARGET_DIR:-$repository/target}
out=$(realpath -m "${1:-$target/softcp-windows.zip}")
cd "$repository"
. tools/windows-toolchain.sh
. tools/third-party.sh

# The same sources make the same dates, in libraries and in the archive.
SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct 2>/dev/null || echo 1577836800)}
export SOURCE_DATE_EPOCH CARGO_PROFILE_RELEASE_STRIP=symbols TZ=UTC

# Not in the directory for temporary files, which others clean: the build takes minutes.
mkdir -p "$target"
stage=$(mktemp -d "$target/package-windows.XXXXXX")
trap 'rm -rf "$stage"' EXIT
root=$stage/softcp-windows
mkdir -p "$root/include"
export_table=crates/softcp-d3d11/src/windows/exports.rs

# exported DLL: the names that it exports.
exported() {
    "$tools-objdump" -p "$1" | sed -n '/\[Ordinal\/Name Pointer\] Table/,/^$/s/^.*\] \(+base\[ *[0-9]*\] *[0-9a-f]* \)\?//p'
}

# import_library DLL NAMES LIBRARY: what programs link with; NAMES are lines of a .def file.
import_library() {
    printf 'LIBRARY %s\nEXPORTS\n%s\n' "$1" "$2" >"$stage/exports.def"
    "$tools-dlltool" --kill-at --deterministic-libraries --input-def "$stage/exports.def" --output-lib "$3"
}

# check DLL: it needs nothing but what Windows has.
check() {
    local needed
    needed=$("$tools-objdump" -p "$1" | sed -n 's/^\tDLL Name: //p')
    if grep -iE '^(libgcc|libwinpthread|libstdc|libssp)' <<<"$needed"; then
        echo "${1##*/} needs libraries of the compiler" >&2
        exit 1
    fi
}

# add TARGET: both libraries.
add() {
    local architecture=${1%%-*} names name
    local directory=$root/$architecture output
    tools=$architecture-w64-mingw32
    output=$(windows_output "$1")/release
    mkdir -p "$directory"
    windows_cargo "$1" rustc -p softcp-d3d11 --release --lib --crate-type cdylib
    windows_cargo "$1" rustc -p softcp-ddi --release --lib --crate-type cdylib
    cp "$output/d3d11.dll" "$directory/d3d11.dll"
    cp "$output/softcp_ddi.dll" "$directory/softcp.dll"

    # On 32 bits programs know Direct3D's functions by names with the size of the arguments.
    names=$(sed -nE 's/^    (\w+) ([0-9]+)( \w+)?;$/\1@\2/p' "$export_table" | sed 's/@0$//')
    [ "$architecture" = i686 ] || names=$(sed 's/@.*//' <<<"$names")
    import_library d3d11.dll "$names" "$directory/libd3d11.dll.a"
    for name in $(sed 's/@.*//' <<<"$names"); do
        exported "$directory/d3d11.dll" | grep -qx "$name" || {
            echo "$architecture: d3d11.dll does not export $name" >&2
            exit 1
        }
    done
    import_library softcp.dll "$(exported "$directory/softcp.dll" | grep '^softcp_')" "$directory/libsoftcp.dll.a"
    bash tools/selftest/build.sh "$architecture" "$directory/selftest.exe"
    check "$directory/d3d11.dll"
    check "$directory/softcp.dll"
    check "$directory/selftest.exe"
}

windows_target x86_64-pc-windows-gnu
add x86_64-pc-windows-gnu
if windows_target i686-pc-windows-gnu; then
    add i686-pc-windows-gnu
else
    echo "SKIPPED: i686, for the reason above" >&2
fi
cp crates/softcp-ddi/include/softcp.h crates/softcp-ddi/include/softcp_ddi.h "$root/include"
cp tests/wine/guids.h "$root/include/d3d11_protection_guids.h"
cp LICENSE-APACHE LICENSE-MIT THIRD-PARTY.md "$root"
what='the Rust standard library (MIT or Apache-2.0) and the mingw-w64 runtime (public domain, and the Zope Public License 2.1)'
third_party x86_64-pc-windows-gnu "$what" softcp-d3d11 softcp-ddi >"$root/THIRD-PARTY-LICENCES.txt"
tools/sbom.py softcp-windows x86_64-pc-windows-gnu softcp-d3d11 softcp-ddi >"$root/sbom.cdx.json"
cp docs/windows.md "$root/USE.md"

find "$root" -exec touch -h -d "@$SOURCE_DATE_EPOCH" {} +
find "$root" -type f -exec chmod 644 {} +
mkdir -p "$(dirname "$out")"
rm -f "$out"
(cd "$stage" && find softcp-windows -type f | LC_ALL=C sort | zip -qX "$out" -@)
echo "$out"
unzip -l "$out" 2>/dev/null || zip -sf "$out"
