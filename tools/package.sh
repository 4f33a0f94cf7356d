#!/usr/bin/env bash
# Makes the packages of SoftCP in one directory: for Debian and its like (command, library, development files), an archive for
# any Linux, a Python wheel of the command, and the archive for Windows.
#
# Usage, from anywhere: bash tools/package.sh OUT [deb|archive|wheel|windows]...     [default: all of them]
#
# Needs cargo-c (tools/install-c.sh says how to install it) and dpkg-dev; for the wheel python3 with venv and pip. What the
# archive for Windows needs, tools/package-windows.sh says. Everything is built with the release profile, and once: a
# second run packs what is built. Packages are stripped.
set -euo pipefail

if [ $# -lt 1 ]; then
    sed -n '2,/^set /{/^#/s/^# \{0,1\}//p}' "$0" >&2
    exit 2
fi
repository=$(realpath "$(dirname "$0")/..")
out=$(realpath -m "$1")
shift
kinds=" ${*:-deb archive wheel windows} "
wants() { [[ $kinds == *" $1 "* ]]; }
cd "$repository"
. tools/third-party.sh

target=$(realpath -m "${CARGO_TARGET_DIR:-target}")
version=$(sed -n '/^\[workspace.package\]/,/^\[/s/^version = "\(.*\)"/\1/p' Cargo.toml)
# The library's ABI version, which cargo-c puts into the SONAME: two components of the version.
abi=${version%.*}
triple=$(rustc -vV | sed -n 's/^host: //p')
# The same sources make the same dates.
SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct 2>/dev/null || echo 1577836800)}
export SOURCE_DATE_EPOCH TZ=UTC
mkdir -p "$out" "$target"
stage=$(mktemp -d "$target/package.XXXXXX")
trap 'rm -rf "$stage"' EXIT
roots=$stage/roots

# documents DIRECTORY: licences, what others' code is in the package, and its bill of materials.
documents() {
    mkdir -p "$1"
    cp "$stage/documents"/* "$1"
}

# command_files ROOT BASH ZSH FISH: the command, its man pages, and completions in these directories of ROOT.
command_files() {
    local root=$1 shell directory name
    mkdir -p "$root/bin" "$root/share/man/man1"
    cp "$stage/stripped" "$root/bin/softcp"
    cp "$stage/man"/* "$root/share/man/man1"
    for shell in "bash $2 softcp" "zsh $3 _softcp" "fish $4 softcp.fish"; do
        read -r shell directory name <<<"$shell"
        mkdir -p "$root/share/$directory"
        "$target/release/softcp" completions "$shell" >"$root/share/$directory/$name"
    done
}

if wants deb || wants archive || wants wheel; then
    cargo build --locked --release -p softcp-cli
    strip -o "$stage/stripped" "$target/release/softcp"
    "$target/release/softcp" man "$stage/man"
    find "$stage/man" -type f -exec gzip -9n {} +
    mkdir "$stage/documents"
    cp LICENSE-APACHE LICENSE-MIT THIRD-PARTY.md "$stage/documents"
    third_party "$triple" 'the Rust standard library (MIT or Apache-2.0)' softcp-cli softcp-ddi \
        >"$stage/documents/THIRD-PARTY-LICENCES.txt"
    tools/sbom.py softcp "$triple" softcp-cli softcp-ddi >"$stage/documents/sbom.cdx.json"
fi

if wants deb || wants archive; then
    tools/install-c.sh /usr --destdir "$stage/c" --libdir /usr/lib
    strip --strip-unneeded "$stage/c/usr/lib/libsoftcp.so.$version"
    strip --strip-debug --enable-deterministic-archives "$stage/c/usr/lib/libsoftcp.a"
fi

# deb NAME DEPENDS SECTION SUMMARY DESCRIPTION: packs the root "$roots/NAME".
deb() {
    local root=$roots/$1 name=$1
    documents "$root/usr/share/doc/$name"
    # Where Debian's tools look for it.
    cat LICENSE-MIT >"$root/usr/share/doc/$name/copyright"
    printf '\nOr, at your choice, Apache-2.0: /usr/share/common-licenses/Apache-2.0\nCode of others: THIRD-PARTY-LICENCES.txt\n' \
        >>"$root/usr/share/doc/$name/copyright"
    rm "$root/usr/share/doc/$name"/LICENSE-*
    gzip -9n <CHANGELOG.md >"$root/usr/share/doc/$name/changelog.gz"
    gzip -9n "$root/usr/share/doc/$name/THIRD-PARTY-LICENCES.txt"
    mkdir -p "$root/DEBIAN"
    cat >"$root/DEBIAN/control" <<CONTROL
Package: $name
Version: $version
Architecture: $architecture
Maintainer: The SoftCP authors <softcp@localhost>
Installed-Size: $(du -sk --exclude=DEBIAN "$root" | cut -f1)
Depends: $2
Section: $3
Priority: optional
Description: $4
 $5
CONTROL
    (cd "$root" && find usr -type f -print0 | LC_ALL=C sort -z | xargs -0 md5sum >DEBIAN/md5sums)
    find "$root" -type d -exec chmod 755 {} +
    find "$root" -type f -not -path '*/bin/*' -exec chmod 644 {} +
    find "$root" -exec touch -h -d "@$SOURCE_DATE_EPOCH" {} +
    dpkg-deb --root-owner-group --build "$root" "$out/${name}_${version}_$architecture.deb" >/dev/null
}

# needs FILE: the packages of the libraries that it is linked with.
needs() {
    mkdir -p "$roots/debian"
    touch "$roots/debian/control"
    (cd "$roots" && dpkg-shlibdeps -O "$1" 2>/dev/null | sed -n 's/^shlibs:Depends=//p')
}

if wants deb; then
    architecture=$(dpkg --print-architecture)
    libdir=usr/lib/$(dpkg-architecture -qDEB_HOST_MULTIARCH)
    library=libsoftcp$abi
    command_files "$roots/softcp/usr" bash-completion/completions zsh/vendor-completions fish/vendor_completions.d
    deb softcp "$(needs softcp/usr/bin/softcp)" utils 'content protection of Direct3D 11.1 in software: the command' \
        'Demonstration, decryption of Common Encryption files, conformance kit for drivers.'

    mkdir -p "$roots/$library/$libdir" "$roots/$library/DEBIAN"
    cp -P "$stage/c/usr/lib"/libsoftcp.so.* "$roots/$library/$libdir"
    printf 'libsoftcp %s %s (>= %s)\n' "$abi" "$library" "$version" >"$roots/$library/DEBIAN/shlibs"
    printf 'activate-noawait ldconfig\n' >"$roots/$library/DEBIAN/triggers"
    deb "$library" "$(needs "$library/$libdir/libsoftcp.so.$version")" libs \
        'content protection of Direct3D 11.1 in software: the library' \
        'Fills the content-protection entries of a display driver'\''s video function tables.'

    mkdir -p "$roots/libsoftcp-dev/$libdir/pkgconfig" "$roots/libsoftcp-dev/usr/include"
    cp -P "$stage/c/usr/lib"/libsoftcp.{a,so} "$roots/libsoftcp-dev/$libdir"
    cp "$stage/c/usr/include"/*.h "$roots/libsoftcp-dev/usr/include"
    sed "s|^libdir=.*|libdir=/$libdir|" "$stage/c/usr/lib/pkgconfig/softcp.pc" >"$roots/libsoftcp-dev/$libdir/pkgconfig/softcp.pc"
    deb libsoftcp-dev "$library (= $version)" libdevel 'content protection of Direct3D 11.1 in software: for development' \
        'Headers, the static library and the pkg-config file of libsoftcp.'
fi

if wants archive; then
    name=softcp-$version-$triple
    root=$stage/$name
    command_files "$root" bash-completion/completions zsh/site-functions fish/vendor_completions.d
    mkdir -p "$root/lib/pkgconfig" "$root/include"
    cp -P "$stage/c/usr/lib"/libsoftcp.* "$root/lib"
    cp "$stage/c/usr/include"/*.h "$root/include"
    # It works wherever the archive is unpacked.
    sed -e 's|^prefix=.*|prefix=${pcfiledir}/../..|' -e 's|^libdir=.*|libdir=${prefix}/lib|' \
        -e 's|^includedir=.*|includedir=${prefix}/include|' -e 's|^exec_prefix=.*|exec_prefix=${prefix}|' \
        "$stage/c/usr/lib/pkgconfig/softcp.pc" >"$root/lib/pkgconfig/softcp.pc"
    documents "$root/share/doc/softcp"
    find "$root" -type d -exec chmod 755 {} +
    tar -C "$stage" --sort=name --owner=0 --group=0 --numeric-owner --mtime="@$SOURCE_DATE_EPOCH" -cJf "$out/$name.tar.xz" "$name"
fi

if wants wheel; then
    # `pip install .` builds with maturin, after pyproject.toml. Here that would compile everything a second time, with other
    # flags than Cargo alone.
    tools=$target/tools/python
    [ -x "$tools/bin/pip" ] || python3 -m venv "$tools"
    [ -x "$tools/bin/wheel" ] || "$tools/bin/pip" install -q --disable-pip-version-check 'wheel>=0.45,<1'
    root=$stage/wheel/softcp-$version
    information=$root/softcp-$version.dist-info
    mkdir -p "$root/softcp-$version.data/scripts" "$information/licenses" "$information/sboms"
    cp "$stage/stripped" "$root/softcp-$version.data/scripts/softcp"
    cp "$stage/documents"/{LICENSE-*,THIRD-PARTY*} "$information/licenses"
    cp "$stage/documents/sbom.cdx.json" "$information/sboms/softcp.cdx.json"
    # The oldest glibc that has all symbols that the command takes from it (PEP 600).
    glibc=$(objdump -T "$stage/stripped" | grep -o 'GLIBC_2\.[0-9]*' | sort -uV | tail -n 1)
    cat >"$information/WHEEL" <<WHEEL
Wheel-Version: 1.0
Generator: softcp tools/package.sh
Root-Is-Purelib: false
Tag: py3-none-manylinux_2_${glibc#GLIBC_2.}_$(uname -m)
WHEEL
    {
        printf 'Metadata-Version: 2.4\nName: softcp\nVersion: %s\n' "$version"
        sed -nE 's/^description = "(.*)"/Summary: \1/p; s/^license = "(.*)"/License-Expression: \1/p
            s/^requires-python = "(.*)"/Requires-Python: \1/p' pyproject.toml
        (cd "$information/licenses" && printf 'License-File: %s\n' *)
    } >"$information/METADATA"
    find "$stage/wheel" -exec touch -d "@$SOURCE_DATE_EPOCH" {} +
    "$tools/bin/wheel" pack -d "$out" "$root" >/dev/null
fi

if wants windows; then
    bash tools/package-windows.sh "$out/softcp-windows.zip" >/dev/null
fi

ls -l "$out"
