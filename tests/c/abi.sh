#!/usr/bin/env bash
# Compares the C library's ABI with the committed list: bash tests/c/abi.sh LIBSOFTCP.SO
# The list has each exported function, the size of each public structure and the offset and size of its members, and the
# values of constants. After an intended change: SOFTCP_WRITE_ABI=1 bash tests/c/abi.sh LIBSOFTCP.SO. docs/abi.md says
# which changes are allowed.
set -euo pipefail
library=$(realpath "$1")
cd "$(dirname "$0")/../.."
include=crates/softcp-ddi/include
list=tests/c/abi-x86_64.txt
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# A C program that prints the layouts and constants of a header, made from the declarations that the generator writes.
layouts() {
    printf '#include <stddef.h>\n#include <stdio.h>\n#include "softcp_ddi.h"\nint main(void) {\n'
    cat "$include/softcp.h" "$include/softcp_ddi.h" | awk '
        /^#define SOFTCP_[A-Z0-9_]+ [^ ]/ && $2 !~ /^SOFTCP_(CALL|APIENTRY|H|DDI_H|VERSION_.*|OPEN_.*)$/ {
            printf "printf(\"constant %s %%lld\\n\", (long long)(%s));\n", $2, $2
        }
        /^typedef struct softcp_[a-z0-9_]+ \{$/ { name = $3; depth = 1
            printf "printf(\"struct %s size %%zu\\n\", sizeof(%s));\n", name, name; next }
        name && /^\}/ { name = ""; next }
        name && /^  [a-z]/ {
            line = $0; sub(/\/\/.*/, "", line)
            if (match(line, /\(SOFTCP_CALL \*[a-z0-9_]+\)/)) {
                member = substr(line, RSTART, RLENGTH); sub(/.*\*/, "", member); sub(/\)/, "", member)
            } else if (line ~ /;/) {
                member = line; sub(/(\[[^]]*\])?;.*/, "", member); sub(/.*[ *]/, "", member)
            } else next
            printf "printf(\"member %s.%s offset %%zu size %%zu\\n\", offsetof(%s, %s), sizeof(((%s *)0)->%s));\n", \
                name, member, name, member, name, member
        }'
    printf 'return 0; }\n'
}
layouts >"$work/layouts.c"
gcc -std=c99 -I"$include" "$work/layouts.c" -o "$work/layouts"
{
    nm -D --defined-only "$library" | awk '$2 == "T" { print "function", $3 }' | LC_ALL=C sort
    "$work/layouts"
} >"$work/abi"

# A list that the script failed to make would agree with nothing: it is never empty.
for kind in function struct member constant; do
    grep -q "^$kind softcp\|^$kind SOFTCP" "$work/abi" || { printf 'no %s was found\n' "$kind"; exit 1; }
done
if [ -n "${SOFTCP_WRITE_ABI:-}" ]; then
    cp "$work/abi" "$list"
fi
if ! diff -u "$list" "$work/abi"; then
    printf '%s\n' "The ABI is not the committed one: - was, + is." \
        "If the change is intended and docs/abi.md allows it: SOFTCP_WRITE_ABI=1 bash tests/c/abi.sh $library, and commit $list."
    exit 1
fi
printf '%s functions, %s structures, %s members, %s constants\n' \
    "$(grep -c ^function "$list")" "$(grep -c ^struct "$list")" "$(grep -c ^member "$list")" "$(grep -c ^constant "$list")"
