#!/usr/bin/env bash
# Builds the C library and runs every C program against it: shared, static and loaded at run time, then under valgrind
# and with the sanitizers. Usage, from anywhere: bash tests/c/run.sh
#
# SOFTCP_C_PROFILE=dev takes Cargo's dev profile in place of release, which builds sooner.
#
# Needs Cargo, gcc, and OpenSSL 3 with its headers and its command (libssl-dev, openssl); uses g++, valgrind and gcc's
# sanitizers where they are. What is missing is skipped, with the reason.
set -euo pipefail
cd "$(dirname "$0")/../.."

target=${CARGO_TARGET_DIR:-target}
profile=${SOFTCP_C_PROFILE:-release}
built=$target/${profile/#dev/debug}
out=$target/c
identity=$out/identity
include=crates/softcp-ddi/include
unset SOFTCP_CONF SOFTCP_OPTIONS SOFTCP_LOG SOFTCP_LOG_PATH

step() { printf '\n== %s\n' "$*"; }
skip() { printf 'SKIPPED: %s\n' "$*"; }
have() { command -v "$1" >/dev/null; }

if ! have gcc || ! have openssl || ! printf '#include <openssl/evp.h>\n' | gcc -E - >/dev/null 2>&1; then
    skip "the C programs need gcc, the openssl command and libssl-dev"
    exit 0
fi

step "the library, shared and static"
cargo rustc -p softcp-ddi --profile "$profile" --lib --crate-type staticlib,cdylib
rm -rf "$out"
mkdir -p "$out/shared" "$out/static" "$identity"
cp "$built/libsoftcp_ddi.so" "$out/shared/libsoftcp.so"
cp "$built/libsoftcp_ddi.a" "$out/static/libsoftcp.a"
library=$out/shared/libsoftcp.so
# What `cargo rustc ... -- --print native-static-libs` names, but -lgcc_s, which the compiler adds where it fits.
static_needs=(-lutil -lrt -lpthread -lm -ldl -lc)

step "the ABI: exported functions, layouts and constants against tests/c/abi-*.txt (docs/abi.md)"
if [ "$(uname -m)" = x86_64 ]; then
    bash tests/c/abi.sh "$library"
else
    skip "the ABI is compared on x86_64"
fi

step "an identity by another maker: openssl's chain of driver, issuer and root"
# certificate NAME KEYFILE ISSUER EXTENSIONS: a key, and a certificate for it by ISSUER, or by itself.
certificate() {
    local request=(openssl req -newkey rsa:2048 -nodes -keyout "$identity/$2" -subj "/CN=SoftCP test $1")
    if [ "$3" = itself ]; then
        "${request[@]}" -x509 -days 3650 -addext "basicConstraints=critical,$4" -addext "keyUsage=critical,$5" \
            -out "$identity/$1.pem" 2>/dev/null
    else
        "${request[@]}" -out "$identity/$1.csr" 2>/dev/null
        printf 'basicConstraints=critical,%s\nkeyUsage=critical,%s\n' "$4" "$5" >"$identity/$1.ext"
        openssl x509 -req -in "$identity/$1.csr" -CA "$identity/$3.pem" -CAkey "$identity/$3.key" -CAcreateserial \
            -days 3650 -extfile "$identity/$1.ext" -out "$identity/$1.pem" 2>/dev/null
    fi
}
certificate root root.key itself CA:TRUE keyCertSign,cRLSign
certificate issuer issuer.key root CA:TRUE,pathlen:0 keyCertSign,cRLSign
certificate driver key.pem issuer CA:FALSE keyEncipherment
cat "$identity/driver.pem" "$identity/issuer.pem" "$identity/root.pem" >"$identity/chain.pem"
openssl verify -CAfile "$identity/root.pem" -untrusted "$identity/issuer.pem" "$identity/driver.pem"

# compile OUTPUT SOURCES... -- FLAGS...: a strict C99 program.
compile() {
    local output=$1 sources=()
    shift
    while [ "$1" != -- ]; do
        sources+=("$1")
        shift
    done
    gcc -std=c99 -Wall -Wextra -Werror -pedantic -D_POSIX_C_SOURCE=200809L -g -I"$include" "${sources[@]}" \
        -o "$output" "${@:2}"
}

# build DIRECTORY LINK...: all programs. load_client loads the library, so it is not linked with it.
build() {
    local directory=$1 link=("${@:2}")
    mkdir -p "$directory"
    local channel=(tests/c/channel{,_protocol,_refusals,_sizes,_attacks}.c tests/c/hardware.c)
    compile "$directory/ddi_client" tests/c/ddi_{client,protocol,refusals,profiles,channel,player,frames,hardware}.c "${channel[@]}" \
        tests/c/{ddi,client,tap}.c -- "${link[@]}" -lcrypto -ldl
    compile "$directory/core_client" tests/c/core_{client,session,channel,decoder,hardware,environment,mapping,ddi,process,removed,errors}.c "${channel[@]}" \
        tests/c/{host,client,tap}.c -- "${link[@]}" -lcrypto -lpthread
    compile "$directory/load_client" tests/c/{load_client,ddi,client,tap}.c -- "${flags[@]}" -lcrypto -lpthread -ldl
    compile "$directory/driver" examples/c/driver.c -- "${link[@]}"
    compile "$directory/client" examples/c/client.c -- "${link[@]}" -lcrypto
}

failed=0
# run COMMAND...: one program. Of its TAP only the failed checks and the plan are shown.
run() {
    printf '%s\n' "-- $*"
    local code=0 seconds=$SECONDS
    "$@" >"$out/output" 2>&1 || code=$?
    grep -A3 -E '^(not ok|Bail out|==|ERROR|.*Sanitizer|.*runtime error)' "$out/output" | head -60 || true
    if grep -qE '^1\.\.' "$out/output"; then
        printf '   %s checks, exit code %s, %s s\n' "$(grep -cE '^(not )?ok ' "$out/output")" "$code" $((SECONDS - seconds))
    else
        sed 's/^/   /' "$out/output" | tail -20
    fi
    if [ "$code" != 0 ]; then
        printf '   FAILED\n'
        failed=1
    fi
}

# run_all DIRECTORY TOOL...: all programs of a directory, each under a tool.
run_all() {
    local directory=$1 tool=("${@:2}")
    run "${tool[@]}" "$directory/ddi_client" "$identity"
    run "${tool[@]}" "$directory/core_client" "$identity"
    run "${tool[@]}" "$directory/load_client" "$library" "$identity"
    run "${tool[@]}" "$directory/driver"
    run "${tool[@]}" "$directory/client" "$identity"
}

step "the headers alone, as C99, C11 and C++"
for header in softcp.h softcp_ddi.h; do
    printf '#include "%s"\n#include "%s"\n' $header $header >"$out/header.c"
    for standard in c99 c11; do
        gcc -std=$standard -Wall -Wextra -Werror -pedantic -I"$include" -fsyntax-only "$out/header.c"
    done
    if have g++; then
        g++ -std=c++11 -Wall -Wextra -Werror -pedantic -I"$include" -fsyntax-only -x c++ "$out/header.c"
    else
        skip "C++: there is no g++"
    fi
done

step "what the shared library exports"
nm -D --defined-only "$library" | awk '{ print $3 }' | sort >"$out/exports"
if grep -v '^softcp_' "$out/exports"; then
    printf 'these names are not of this library\n'
    exit 1
fi
printf '%s functions, all softcp_*\n' "$(wc -l <"$out/exports")"

step "linked with the shared library"
flags=()
shared=(-L"$out/shared" -Wl,-rpath,"$(realpath "$out/shared")" -lsoftcp)
build "$out/with-shared" "${shared[@]}"
run_all "$out/with-shared"

step "linked with the static library"
build "$out/with-static" "$out/static/libsoftcp.a" "${static_needs[@]}"
run_all "$out/with-static"
run "$out/with-static/ddi_client" "$identity" "$library"

step "a driver that links the static library and has an entry of its own, through the conformance kit"
# The library's entry is in it, too: the linker is asked for it, so that the kit has both to choose from.
linked=$out/liblinked.so
gcc -std=c99 -Wall -Wextra -Werror -pedantic -D_POSIX_C_SOURCE=200809L -g -shared -fPIC -I"$include" tests/c/linked_driver.c \
    -o "$linked" -Wl,-u,softcp_open_reference_driver "$out/static/libsoftcp.a" "${static_needs[@]}" -lpthread
nm -D --defined-only "$linked" >"$out/linked-exports"
for name in softcp_open_driver softcp_open_reference_driver; do
    grep -q " T $name\$" "$out/linked-exports" || { printf '%s does not export %s\n' "$linked" "$name"; exit 1; }
done
cargo build --profile "$profile" -p softcp-cli
run "$built/softcp" conform --driver "$linked" --options "identity.directory=$identity"
if ! grep -q 'A driver that links SoftCP' "$out/output"; then
    printf 'the kit has opened another driver than the one that the library exports\n'
    failed=1
fi
run "$built/softcp" caps --driver "$linked"
grep -q 'A driver that links SoftCP' "$out/output" || { printf 'softcp caps has opened another driver\n'; failed=1; }

step "under valgrind"
if have valgrind; then
    # Rust keeps pointers past a reference count, into the block, which valgrind calls a possible loss; a block that
    # nothing points to is a definite one.
    memcheck=(valgrind -q --leak-check=full --show-leak-kinds=definite,indirect
        --errors-for-leak-kinds=definite,indirect --error-exitcode=99)
    printf '#include <stdlib.h>\nint main(void) { volatile char *p = malloc(9); return (p = NULL) != NULL; }\n' \
        >"$out/leak.c"
    gcc -O0 "$out/leak.c" -o "$out/leak"
    if "${memcheck[@]}" "$out/leak" 2>/dev/null; then
        printf 'valgrind does not see a planted leak\n'
        exit 1
    fi
    run_all "$out/with-shared" "${memcheck[@]}"
else
    skip "there is no valgrind"
fi

step "with AddressSanitizer and UndefinedBehaviorSanitizer"
flags=(-fsanitize=address,undefined -fno-sanitize-recover=undefined)
printf '#include <stdlib.h>\nint main(void) { char *p = malloc(9); p[9] = 1; return 0; }\n' >"$out/overrun.c"
if gcc "${flags[@]}" "$out/overrun.c" -o "$out/overrun" 2>/dev/null; then
    if "$out/overrun" 2>/dev/null; then
        printf 'AddressSanitizer does not see a planted overrun\n'
        exit 1
    fi
    build "$out/with-sanitizers" "${flags[@]}" "$out/static/libsoftcp.a" "${static_needs[@]}"
    run_all "$out/with-sanitizers"
else
    skip "gcc has no sanitizers here"
fi

step "installed by cargo-c, found by pkg-config"
if cargo cinstall --version >/dev/null 2>&1 && have pkg-config; then
    prefix=$(realpath "$out")/prefix
    tools/install-c.sh "$prefix" 2>&1 | tail -1
    (cd "$prefix" && find . -type f -o -type l | sort)
    package() { PKG_CONFIG_PATH=$prefix/lib/pkgconfig pkg-config "$@" softcp; }
    printf 'softcp %s: %s\n' "$(package --modversion)" "$(package --cflags --libs)"
    include=$prefix/include
    flags=()
    build "$out/with-installed" $(package --cflags --libs) -Wl,-rpath,"$prefix/lib"
    library=$prefix/lib/libsoftcp.so
    run_all "$out/with-installed"
    # All programs but load_client, which loads a library, with nothing shared in them: as a user would type it.
    static=$out/with-installed-static
    mkdir -p "$static"
    gcc -static -std=c99 examples/c/driver.c -o "$static/driver" $(package --static --cflags --libs)
    gcc -static -std=c99 -D_POSIX_C_SOURCE=200809L examples/c/client.c -o "$static/client" \
        $(package --static --cflags --libs) -lcrypto $(pkg-config --static --libs-only-l libcrypto)
    run "$static/driver"
    run "$static/client" "$identity"

    step "examples of CMake and Meson, by pkg-config, shared and static"
    export PKG_CONFIG_PATH=$prefix/lib/pkgconfig
    for link in shared static; do
        is_static=$([ "$link" = static ] && echo ON || echo OFF)
        if have cmake; then
            cmake -S examples/cmake -B "$out/cmake-$link" -DSOFTCP_STATIC="$is_static" >"$out/output" || { cat "$out/output"; exit 1; }
            cmake --build "$out/cmake-$link" >"$out/output" 2>&1 || { cat "$out/output"; exit 1; }
            run env LD_LIBRARY_PATH="$prefix/lib" "$out/cmake-$link/driver"
        else
            skip "there is no cmake (Debian package cmake)"
        fi
        if have meson && have ninja; then
            meson setup "$out/meson-$link" examples/meson -Ddefault_library="$link" >"$out/output" || { cat "$out/output"; exit 1; }
            ninja -C "$out/meson-$link" >"$out/output" 2>&1 || { cat "$out/output"; exit 1; }
            run env LD_LIBRARY_PATH="$prefix/lib" "$out/meson-$link/driver"
        else
            skip "there is no meson, or no ninja (Debian packages meson and ninja-build)"
        fi
    done
    for tool in cmake meson; do
        for link in shared static; do
            [ -x "$out/$tool-$link/driver" ] || continue
            if [ "$link" = "$(readelf -d "$out/$tool-$link/driver" | grep -q 'NEEDED.*libsoftcp' && echo shared || echo static)" ]; then continue; fi
            printf '%s has not linked %s\n' "$tool" "$link"
            failed=1
        done
    done
else
    skip "there is no cargo-c, or no pkg-config; tools/install-c.sh says how to install it"
fi

if [ "$failed" != 0 ]; then
    printf '\nC programs: FAILED\n'
    exit 1
fi
printf '\nC programs: all passed\n'
