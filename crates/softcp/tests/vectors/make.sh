#!/bin/sh
# Makes the files of this folder anew with OpenSSL 3: run it inside the folder. Every run makes other keys.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# An identity of three certificates: EC root, EC intermediate, RSA-2048 leaf.
cat >"$work/ca.cnf" <<'CNF'
basicConstraints = critical, CA:TRUE
keyUsage = critical, keyCertSign, cRLSign
CNF
cat >"$work/leaf.cnf" <<'CNF'
basicConstraints = critical, CA:FALSE
keyUsage = critical, keyEncipherment
CNF
issue() { # name, common name, extensions, issuer
    openssl req -new -key "$work/$1.key" -subj "/O=SoftCP engine tests/CN=$2" -out "$work/$1.csr"
    if [ "$4" = self ]; then signer="-signkey $work/$1.key"; else signer="-CA $work/$4.pem -CAkey $work/$4.key"; fi
    # shellcheck disable=SC2086 # the words of $signer are meant to split
    openssl x509 -req -in "$work/$1.csr" $signer -extfile "$work/$3.cnf" -days 36500 -sha256 \
        -set_serial "0x$(openssl rand -hex 8 | sed 's/^./4/')" -out "$work/$1.pem"
}
openssl ecparam -name prime256v1 -genkey -noout -out "$work/root.key"
openssl ecparam -name prime256v1 -genkey -noout -out "$work/intermediate.key"
openssl genrsa -out "$work/leaf.key" 2048
issue root Root ca self
issue intermediate Intermediate ca root
issue leaf Driver leaf intermediate
mkdir -p identity
cp "$work/root.pem" identity/root.pem
cat "$work/leaf.pem" "$work/intermediate.pem" "$work/root.pem" >identity/chain.pem
openssl pkcs8 -topk8 -nocrypt -in "$work/leaf.key" -out identity/key.pem
chmod 644 identity/key.pem

# Key exchange messages to that leaf. The plain text of every one of them but oaep-15.bin and oaep-17.bin is the key
# 00 01 .. 0f; oaep-sha512.bin alone is what the protocol wants.
openssl pkey -in "$work/leaf.key" -pubout -out "$work/leaf.pub"
seal() { # file, bytes of plain text, options after the padding mode
    file=$1
    head -c "$2" "$work/bytes" >"$work/plain"
    shift 2
    openssl pkeyutl -encrypt -pubin -inkey "$work/leaf.pub" -in "$work/plain" -out "$file" \
        -pkeyopt rsa_padding_mode:oaep "$@"
}
printf '\000\001\002\003\004\005\006\007\010\011\012\013\014\015\016\017\020' >"$work/bytes"
sha512="-pkeyopt rsa_oaep_md:sha512 -pkeyopt rsa_mgf1_md:sha512"
# shellcheck disable=SC2086 # the words of $sha512 are meant to split
{
    seal oaep-sha512.bin 16 $sha512
    seal oaep-15.bin 15 $sha512
    seal oaep-17.bin 17 $sha512
    seal oaep-label.bin 16 $sha512 -pkeyopt rsa_oaep_label:536f66744350
}
seal oaep-sha256.bin 16 -pkeyopt rsa_oaep_md:sha256 -pkeyopt rsa_mgf1_md:sha256
seal oaep-sha512-mgf1-sha1.bin 16 -pkeyopt rsa_oaep_md:sha512 -pkeyopt rsa_mgf1_md:sha1
openssl pkeyutl -encrypt -pubin -inkey "$work/leaf.pub" -in "$work/plain" -out pkcs1.bin -pkeyopt rsa_padding_mode:pkcs1
