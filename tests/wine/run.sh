#!/usr/bin/env bash
# Builds the Windows programs and runs each with the layer beside it, on Wine's Direct3D.
# Usage, from anywhere: bash tests/wine/run.sh PATH/d3d11.dll
#
# Debian 12: apt-get install mingw-w64 wine wine64 xvfb libgl1-mesa-dri libgl1 libgnutls30 perl. What is missing is skipped, with
# the reason. Nothing of the user's own Wine is used or changed.
#
# PROGRAMS="startup objects"   only these tests, by the names that are printed
# OUT=target/wine              where everything is built, the Wine prefix included
# SECONDS_EACH=300             a test that runs longer has failed
# VERBOSE=1                    all of what a test prints, not only what failed
# ROUNDS=20000                 rounds of each order of calls of two threads, in multithread
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)

if [ $# != 1 ] || [ ! -f "$1" ]; then
    printf 'usage: bash %s PATH/d3d11.dll\n' "$0" >&2
    exit 2
fi
dll=$(realpath "$1")
out=$(realpath -m "${OUT:-${CARGO_TARGET_DIR:-$root/target}/wine}")
seconds_each=${SECONDS_EACH:-300}
unset SOFTCP_CONF SOFTCP_OPTIONS SOFTCP_LOG SOFTCP_LOG_PATH

step() { printf '\n== %s\n' "$*"; }
skip() { printf 'SKIPPED: %s\n' "$*"; }
have() { command -v "$1" >/dev/null; }

for tool in x86_64-w64-mingw32-gcc x86_64-w64-mingw32-g++ wine wineserver xvfb-run perl; do
    if ! have "$tool"; then
        skip "there is no $tool; apt-get install mingw-w64 wine wine64 xvfb libgl1-mesa-dri libgl1 libgnutls30 perl"
        exit 0
    fi
done

# One display for everything: this script again, inside it.
if [ "${SOFTCP_WINE_DISPLAY:-}" != 1 ]; then
    SOFTCP_WINE_DISPLAY=1 OUT=$out exec xvfb-run -a bash "$0" "$dll"
fi

export WINEPREFIX=$out/prefix WINEDEBUG=-all
overrides="winedbg.exe=d;mscoree=d;mshtml=d" # no debugger when a program crashes, no downloads

step "programs"
flags=(-O1 -g -Wall -Wextra -Werror -D__USE_MINGW_ANSI_STDIO=1)
libraries=(-static -ld3d11 -ldxgi -ld3dcompiler -ldxguid -luuid -lbcrypt -lcrypt32 -lgdi32)
objects=$out/objects
with=$out/with
without=$out/without
rm -rf "$objects" "$with" "$without"
mkdir -p "$objects" "$with" "$without"
cc() { x86_64-w64-mingw32-gcc -std=gnu11 "${flags[@]}" "$@"; }
for source in "$here"/{crypto,gpu,client,guids}.c "$here"/../c/tap.c; do
    cc -c "$source" -o "$objects/$(basename "$source" .c).o"
done
for program in startup browser_decryptor hardware_drm_proxy refusals objects refresh_million plain_rendering \
    protected_resources runtime_channel teardown formats \
    other_driver forwarding shared_resources own_calls multithread foreign_hooks video_device loaded_first \
    encrypted_decoding; do
    if [ -f "$here/$program.c" ]; then
        cc -c "$here/$program.c" -o "$out/$program.o"
    else
        x86_64-w64-mingw32-g++ -std=c++17 "${flags[@]}" -c "$here/$program.cpp" -o "$out/$program.o"
    fi
    x86_64-w64-mingw32-g++ "$out/$program.o" "$objects"/*.o -o "$with/$program.exe" "${libraries[@]}"
done
cc -shared "$here/bcryptprimitives.c" -o "$with/bcryptprimitives.dll" -ladvapi32
for double in below heap_tables; do
    cc -shared "$here"/{$double,guids}.c -o "$with/$double.dll" -static -ldxguid -luuid
done
cc -shared "$here/driver.c" "$objects"/{crypto,tap}.o -I"$root/crates/softcp-ddi/include" -o "$with/driver.dll" -static -lbcrypt \
    -lcrypt32
bash "$root/tools/selftest/build.sh" x86_64 "$with/selftest.exe"
cp "$with/plain_rendering.exe" "$without/"
cp "$dll" "$with/d3d11.dll"

step "Wine's prefix"
if [ ! -f "$WINEPREFIX/ready" ]; then
    WINEDLLOVERRIDES=$overrides timeout 300 wineboot -i >"$out/wineboot" 2>&1 || { cat "$out/wineboot"; exit 1; }
    wineserver -w
    touch "$WINEPREFIX/ready"
fi
trap 'wineserver -k 2>/dev/null || true' EXIT
wine --version

failed=()
passed=0
wanted() { [ -z "${PROGRAMS:-}" ] || [[ " $PROGRAMS " == *" $1 "* ]]; }

# wine_run DIRECTORY OUTPUT PROGRAM ARGUMENTS...: a program, with the library beside it before Wine's own.
wine_run() {
    local directory=$1 output=$2
    shift 2
    (cd "$directory" && WINEDLLOVERRIDES="$overrides;d3d11,bcryptprimitives=n,b" timeout "$seconds_each" wine "$@") \
        >"$output" 2>"$output.errors"
}

# verdict NAME CODE SECONDS OUTPUT LINES UNIT: prints how a test ended, and what failed of so many lines that match.
verdict() {
    local name=$1 code=$2 output=$4
    local checks
    checks="$(grep -cE "$5" "$output" || true) $6"
    if [ "$code" = 0 ]; then
        printf '%-24s passed  %12s  %3s s\n' "$name" "$checks" "$3"
        passed=$((passed + 1))
        grep -E '# SKIP' "$output" | sed 's/^/    /' || true
    else
        printf '%-24s FAILED  %12s  %3s s, exit code %s\n' "$name" "$checks" "$3" "$code"
        failed+=("$name")
        awk '/^(not ok|Bail out)/ { note = 1 } !/^(not ok|Bail out|#)/ { note = 0 } note && ++lines <= 16 { print "    " $0 }
            /^not ok/ { failed++ } END { if (failed > 1) print "    " failed " checks failed" }' "$output"
        if [ "$6" = checks ] && ! grep -qE '^1\.\.|Bail out' "$output"; then
            printf '    it did not come to its end; its last lines:\n'
            cat "$output" "$output.errors" | tail -6 | sed 's/^/    /'
        fi
    fi
    [ -z "${VERBOSE:-}" ] || cat "$output"
}

# check NAME OPTIONS PROGRAM ARGUMENTS...: a test with these SOFTCP_OPTIONS and a log of its own.
check() {
    local name=$1 options=$2 code=0 start=$SECONDS
    shift 2
    wanted "$name" || return 0
    rm -f "$with/$name.log"
    SOFTCP_OPTIONS=$options SOFTCP_LOG=warn SOFTCP_LOG_PATH=$name.log \
        wine_run "$with" "$out/$name.tap" "$@" || code=$?
    if [ "$code" = 0 ] && ! grep -qE '^1\.\.' "$out/$name.tap"; then
        code="0, and no plan"
    fi
    verdict "$name" "$code" $((SECONDS - start)) "$out/$name.tap" '^(not )?ok ' checks
}

# same NAME OPTIONS: plain_rendering prints the same with the layer and without it.
same() {
    local name=$1 options=$2 code=0 start=$SECONDS
    wanted "$name" || return 0
    wine_run "$without" "$out/$name.without" plain_rendering.exe || code=$?
    SOFTCP_OPTIONS=$options wine_run "$with" "$out/$name.with" plain_rendering.exe || code=$?
    if ! diff "$out/$name.without" "$out/$name.with" >"$out/$name.diff"; then
        code="$code, and the output differs: < without, > with"
        sed 's/^/    /' "$out/$name.diff" | head -20
    fi
    verdict "$name" "$code" $((SECONDS - start)) "$out/$name.with" . lines
}

# selftest NAME OPTIONS EXPECTATION ARGUMENTS...: the package's selftest.exe, and what is known here compared with its JSON.
selftest() {
    local name=$1 options=$2 expectation=$3 code=0 start=$SECONDS
    shift 3
    wanted "$name" || return 0
    rm -f "$with/$name.json"
    SOFTCP_OPTIONS=$options SOFTCP_LOG=warn SOFTCP_LOG_PATH=$name.log \
        wine_run "$with" "$out/$name.text" selftest.exe --json "$name.json" "$@" || code=$?
    perl "$here/selftest.pl" "$expectation" "$code" "$with/$name.json" "$(wine --version)" \
        >"$out/$name.tap" 2>&1 && code=0 || code=$?
    verdict "$name" "$code" $((SECONDS - start)) "$out/$name.tap" '^(not )?ok ' checks
}

step "tests"
hardware="capabilities.profile=hardware-like;quirks.key_exchange_alias=true"
same plain_rendering ""
same plain_rendering_disabled "d3d11.enabled=false"
check startup "" startup.exe
check startup_below "d3d11.real=below.dll" startup.exe
check browser_decryptor "" browser_decryptor.exe
check hardware_drm_proxy "$hardware" hardware_drm_proxy.exe
check hardware_drm_proxy_decoder "d3d11.real=below.dll;$hardware" hardware_drm_proxy.exe decoder
check protected_resources "" protected_resources.exe
check protected_budget "memory.protected=1048576" protected_resources.exe budget
check runtime_channel "" runtime_channel.exe
check teardown_key "faults.list=key-lost at=3" teardown.exe key
check teardown_content "faults.list=key-and-content-lost at=3" teardown.exe content
check formats "" formats.exe
check other_driver "d3d11.driver=driver.dll" other_driver.exe
check other_driver_missing "d3d11.driver=missing.dll" other_driver.exe missing
check forwarding "d3d11.real=below.dll" forwarding.exe
check encrypted_decoding "d3d11.real=below.dll" encrypted_decoding.exe
check encrypted_decoding_without "d3d11.real=below.dll;d3d11.driver=driver.dll" encrypted_decoding.exe without
check encrypted_decoding_teardown "d3d11.real=below.dll;faults.list=key-and-content-lost at=2" \
    encrypted_decoding.exe teardown
check encrypted_decoding_hardware "d3d11.real=below.dll;$hardware" encrypted_decoding.exe hardware
check own_calls "d3d11.real=below.dll" own_calls.exe
check multithread "d3d11.real=below.dll" multithread.exe
for setting in always auto never; do
    check "video_device_$setting" "d3d11.video_device=$setting" video_device.exe "$setting"
done
check loaded_first "" loaded_first.exe
check foreign_hooks "" foreign_hooks.exe
check foreign_hooks_heap "d3d11.real=heap_tables.dll" foreign_hooks.exe heap
check foreign_hooks_fixed "d3d11.real=heap_tables.dll" foreign_hooks.exe fixed
check shared_resources "d3d11.real=below.dll" shared_resources.exe
selftest selftest "" passed
selftest selftest_heap "d3d11.real=heap_tables.dll" heap
selftest selftest_system "" system --system
selftest selftest_hang "" hung --test-hang
selftest selftest_crash "" crashed --test-crash
selftest selftest_end "" ended --test-end
check refusals "" refusals.exe
check refusals_below "d3d11.real=below.dll" refusals.exe below
check refusals_unsupported \
    "capabilities.flags.encrypted_read_back=false;capabilities.flags.encrypted_read_back_key=false;capabilities.flags.decryption_blt=false" \
    refusals.exe unsupported
check refusals_memory "faults.list=out-of-memory every=1" refusals.exe memory
check objects "" objects.exe
check refresh_million "" refresh_million.exe

printf '\n%s passed, %s failed, %s s%s\n' "$passed" "${#failed[@]}" "$SECONDS" "${failed[*]:+: ${failed[*]}}"
[ ${#failed[@]} = 0 ]
