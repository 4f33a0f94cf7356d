#!/usr/bin/env bash
# Installs the packages that tools/package.sh has made on a clean Debian 12, and uses them there as a user would.
# Usage, as root, from anywhere: bash tests/packages/run.sh PACKAGES
#
# Needs mmdebstrap and a Debian mirror. What cannot be had is skipped, with the reason, and exit code 77.
set -euo pipefail

packages=$(realpath "$1")
cd "$(dirname "$0")/../.."
step() { printf '\n-- %s\n' "$*"; }
skip() {
    printf 'SKIPPED: %s\n' "$*"
    exit 77
}

[ "$(id -u)" = 0 ] || skip "a clean Debian takes root"
command -v mmdebstrap >/dev/null || skip "there is no mmdebstrap"
work=$(mktemp -d "${TMPDIR:-/tmp}/softcp-packages.XXXXXX")
root=$work/root
mounted=
cleanup() {
    [ -z "$mounted" ] || umount "$root/proc"
    rm -rf "$work"
}
trap cleanup EXIT
mirror=${SOFTCP_DEBIAN_MIRROR:-http://deb.debian.org/debian}
mmdebstrap --quiet --variant=minbase --mode=root bookworm "$root" "$mirror" || skip "Debian 12 cannot be had from $mirror"
mount -t proc proc "$root/proc" || skip "/proc cannot be mounted here"
mounted=yes
cp -L /etc/resolv.conf "$root/etc/resolv.conf" 2>/dev/null || true
mkdir "$root/packages" "$root/examples"
cp "$packages"/* "$root/packages"
cp examples/c/driver.c examples/c/conformance/template.c "$root/examples"
here() { chroot "$root" env -i PATH="${path:-}/usr/sbin:/usr/bin:/sbin:/bin" HOME=/root DEBIAN_FRONTEND=noninteractive "$@"; }
# Packages of Debian, with a second try: mirrors fail now and then.
debian() {
    local try
    for try in 1 2; do
        if here apt-get update -q && here apt-get install -qy --no-install-recommends "$@"; then return; fi
    done >"$work/apt.log" 2>&1
    cat "$work/apt.log"
    skip "these packages of Debian cannot be had: $*"
}

# What a user of the command does.
cat >"$root/try-command.sh" <<'TRY'
set -eu
rm -rf /try && mkdir /try && cd /try
softcp --version
softcp demo >/dev/null && test -s softcp-demo.png
# The printed command works as typed.
softcp demo --write-sample sample >command && cat command
sh -eu command >/dev/null && test -s sample/softcp-sample-clear.mp4
softcp conform | tail -1
TRY
# What an author of drivers does: LIBRARIES says how programs find the shared library when they run.
cat >"$root/try-library.sh" <<'TRY'
set -eu
cd /try
cc -std=c99 -Wall -Wextra -Werror -shared -fPIC $(pkg-config --cflags softcp) /examples/template.c -o libtemplate.so
softcp conform --driver ./libtemplate.so | tail -1
cc -std=c99 /examples/driver.c $(pkg-config --cflags --libs softcp) -o dynamic
ldd dynamic | grep -q libsoftcp
./dynamic
cc -std=c99 -static /examples/driver.c $(pkg-config --cflags --static --libs softcp) -o static
! ldd static 2>/dev/null | grep -q libsoftcp
./static
pkg-config --modversion softcp
TRY

# sbom FILE: the bill of materials is JSON and names what it must.
sbom() {
    python3 - "$1" <<'PY'
import json, sys
bom = json.load(open(sys.argv[1], encoding="utf-8"))
names = {component["name"] for component in bom["components"]}
assert bom["bomFormat"] == "CycloneDX" and {"aws-lc-sys", "softcp", "softcp-ddi", "serde"} <= names, names
assert all(component.get("licenses") for component in bom["components"])
print(len(names), "crates in", sys.argv[1].split("/root/", 1)[-1])
PY
}

step "Debian packages: the command alone, with nothing else installed"
here sh -c 'dpkg -i /packages/softcp_*.deb' >/dev/null
here sh /try-command.sh
for file in man/man1/softcp.1.gz man/man1/softcp-decrypt.1.gz bash-completion/completions/softcp zsh/vendor-completions/_softcp \
    fish/vendor_completions.d/softcp.fish doc/softcp/copyright doc/softcp/THIRD-PARTY-LICENCES.txt.gz; do
    test -s "$root/usr/share/$file"
done
sbom "$root/usr/share/doc/softcp/sbom.cdx.json"

step "Debian packages: the library and its development files"
debian gcc libc6-dev pkg-config python3-venv xz-utils
here sh -c 'dpkg -i /packages/libsoftcp*.deb' >/dev/null
here sh /try-library.sh
sbom "$root/usr/share/doc/libsoftcp-dev/sbom.cdx.json"
here apt-get purge -qy softcp 'libsoftcp*' >/dev/null 2>&1
left=$(find "$root/usr" "$root/etc" "$root/var/lib/dpkg/info" -name '*softcp*')
[ -z "$left" ] || { printf 'left behind:\n%s\n' "$left"; exit 1; }

step "archive, unpacked where a user likes"
here sh -c 'tar -C /opt -xJf /packages/softcp-*.tar.xz && mv /opt/softcp-* /opt/softcp'
path=/opt/softcp/bin:
here sh /try-command.sh
here env PKG_CONFIG_PATH=/opt/softcp/lib/pkgconfig LD_LIBRARY_PATH=/opt/softcp/lib sh /try-library.sh
sbom "$root/opt/softcp/share/doc/softcp/sbom.cdx.json"
rm -rf "$root/opt/softcp"

step "wheel, in an environment of its own and without the network"
here python3 -m venv /venv
here sh -c '/venv/bin/pip install -q --no-index /packages/softcp-*.whl'
path=/venv/bin:
here sh /try-command.sh
sbom "$(find "$root/venv" -path '*/sboms/softcp.cdx.json')"

step "packages: all passed"
