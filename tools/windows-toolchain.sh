# Cargo for Windows targets, on Debian or Ubuntu: sourced by other scripts.
#
#   . tools/windows-toolchain.sh
#   windows_target x86_64-pc-windows-gnu          # fails, with the reason, where the target cannot be built
#   windows_cargo x86_64-pc-windows-gnu build -p softcp-d3d11 --release
#   ls "$(windows_output x86_64-pc-windows-gnu)/release"
#
# The target's standard library is rustup's. Where rustup cannot fetch it, Debian's Rust builds one from Debian's sources
# (packages rustc-web, cargo-web, rust-web-src, and rust-web-clippy for lints), in a target directory of its own, since the
# two compilers' outputs do not mix. WINDOWS_TOOLCHAIN=rustup or =debian chooses one of them.

# The sources of Debian's standard library.
windows_debian_source=/usr/lib/rustlib/src/rust/library

# windows_rustup TARGET: whether rustup's toolchain (or any with the target's standard library) can build for it.
windows_rustup() {
    local libraries
    [ "${WINDOWS_TOOLCHAIN:-rustup}" = rustup ] || return 1
    libraries=$(rustc --print target-libdir --target "$1" 2>/dev/null) || return 1
    [ -d "$libraries" ] || rustup target add "$1" >/dev/null 2>&1
}

# windows_debian: whether Debian's toolchain and its sources are installed.
windows_debian() {
    [ "${WINDOWS_TOOLCHAIN:-debian}" = debian ] && [ -x /usr/bin/cargo ] && [ -x /usr/bin/rustc ] && [ -d "$windows_debian_source" ]
}

# windows_target TARGET: whether there is all that it takes to build for the target.
windows_target() {
    local gcc=${1%%-*}-w64-mingw32-gcc
    if ! command -v "$gcc" >/dev/null; then
        echo "$1: there is no $gcc (package mingw-w64)" >&2
        return 1
    fi
    # AWS-LC brings assembled objects for x86_64 only.
    if [ "${1%%-*}" = i686 ] && ! command -v nasm >/dev/null; then
        echo "$1: there is no nasm" >&2
        return 1
    fi
    if ! windows_rustup "$1" && ! windows_debian; then
        echo "$1: no standard library: rustup target add $1, or Debian's rustc-web cargo-web rust-web-src" >&2
        return 1
    fi
}

# windows_output TARGET: the directory of what is built, with a directory for each profile.
windows_output() {
    local target=${CARGO_TARGET_DIR:-target}
    windows_rustup "$1" || target=$target/windows-debian
    printf '%s\n' "$target/$1"
}

# windows_debian_objects DIRECTORY: the objects around every program of 32 bits, for exceptions, which -Zbuild-std leaves out.
windows_debian_objects() {
    local name
    mkdir -p "$1"
    for name in rsbegin rsend; do
        RUSTC_BOOTSTRAP=1 /usr/bin/rustc --crate-type lib --emit obj --target i686-pc-windows-gnu \
            -o "$1/$name.o" "$windows_debian_source/rtstartup/$name.rs"
    done
}

# windows_cargo TARGET SUBCOMMAND ARGUMENT...: cargo for the target.
windows_cargo() {
    local target=$1 command=$2 output
    shift 2
    if windows_rustup "$target"; then
        cargo "$command" --target "$target" "$@"
    else
        output=$(realpath -m "${CARGO_TARGET_DIR:-target}/windows-debian")
        windows_debian_objects "$output/rtstartup"
        # Debian's Rust takes the flags that build a standard library only as a compiler under development.
        PATH=/usr/bin:$PATH RUSTC=/usr/bin/rustc RUSTC_BOOTSTRAP=1 CARGO_TARGET_DIR=$output \
            CARGO_TARGET_I686_PC_WINDOWS_GNU_RUSTFLAGS="-L native=$output/rtstartup" \
            /usr/bin/cargo "$command" -Zbuild-std=std,panic_unwind --target "$target" "$@"
    fi
}
