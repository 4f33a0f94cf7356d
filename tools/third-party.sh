# third_party TARGET WHAT CRATE...: which crates are in what CRATE builds to, under which licences, and the texts of the
# licences, each once. WHAT is code besides theirs. Sourced by the scripts that make packages, and run in the repository.
third_party() {
    local target=$1 what=$2
    shift 2
    local crates name version licence file sum
    declare -A texts=() holders=()
    crates=$(cargo tree --locked $(printf -- ' -p %s' "$@") -e normal --target "$target" --prefix none \
        --format '{p}|{l}' | grep -v -e '(/' -e '(proc-macro)' -e '(\*)' | sed '/^|*$/d' | sort -u)
    printf 'This package contains code of these crates and of %s. The texts follow the list.\n\n' "$what"
    while IFS='|' read -r name licence; do
        printf '%-40s %s\n' "$name" "$licence"
        read -r name version _ <<<"$name"
        for file in "${CARGO_HOME:-$HOME/.cargo}"/registry/src/*/"$name-${version#v}"/{LICEN[SC]E*,COPYING*,NOTICE*,license*,minhook/LICENSE*}; do
            [ -f "$file" ] || continue
            sum=$(tr -d '\r' <"$file" | sha256sum | cut -d' ' -f1)
            texts[$sum]=$file
            case ",${holders[$sum]:-}," in
            *", $name,"*) ;;
            *) holders[$sum]="${holders[$sum]:-}, $name" ;;
            esac
        done
    done <<<"$crates"
    for sum in $(printf '%s\n' "${!texts[@]}" | LC_ALL=C sort); do
        printf '\n%s\n%s\n\n' "$(printf '=%.0s' {1..100})" "${holders[$sum]#, }"
        tr -d '\r' <"${texts[$sum]}"
    done
}
