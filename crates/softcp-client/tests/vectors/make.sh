#!/bin/sh
# Makes the files of this folder anew with OpenSSL 3: run it inside the folder. Every run makes other keys.
# The certificates are valid from the day they are made; `now()` in ../common/mod.rs must not be earlier.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# A chain of three: EC root, EC intermediate, RSA leaf. The leaf's encoding is the longest, so a reader that sorts the
# certificates as a DER SET OF puts it last.
cat >"$work/ca.cnf" <<'CNF'
basicConstraints = critical, CA:TRUE
keyUsage = critical, keyCertSign, cRLSign
CNF
cat >"$work/leaf.cnf" <<'CNF'
basicConstraints = critical, CA:FALSE
keyUsage = critical, keyEncipherment
CNF
issue() { # name, subject, extensions, issuer
    openssl req -new -key "$work/$1.key" -subj "$2" -out "$work/$1.csr"
    if [ "$4" = self ]; then signer="-signkey $work/$1.key"; else signer="-CA $work/$4.pem -CAkey $work/$4.key"; fi
    # shellcheck disable=SC2086 # the words of $signer are meant to split
    openssl x509 -req -in "$work/$1.csr" $signer -extfile "$work/$3.cnf" -days 36500 -sha256 \
        -set_serial "0x$(openssl rand -hex 8 | sed 's/^./4/')" -out "$work/$1.pem"
}
openssl ecparam -name prime256v1 -genkey -noout -out "$work/root.key"
openssl ecparam -name prime256v1 -genkey -noout -out "$work/intermediate.key"
openssl genrsa -out "$work/leaf.key" 2048
issue root '/O=SoftCP tests/CN=Root' ca self
issue intermediate '/O=SoftCP tests/CN=Intermediate' ca root
issue leaf '/O=SoftCP tests/CN=Driver' leaf intermediate

cp "$work/root.pem" root.pem
cat "$work/leaf.pem" "$work/intermediate.pem" "$work/root.pem" >"$work/chain.pem"
openssl crl2pkcs7 -nocrl -certfile "$work/chain.pem" -outform DER -out chain.p7b
for name in leaf intermediate root; do openssl x509 -in "$work/$name.pem" -outform DER; done >chain.der
openssl x509 -in "$work/leaf.pem" -noout -subject -issuer -nameopt RFC2253 -serial -dates -dateopt iso_8601 -fingerprint \
    -sha256 >leaf.txt
openssl pkcs8 -topk8 -nocrypt -in "$work/leaf.key" -outform DER -out leaf-key.pk8
chmod 644 leaf-key.pk8

# A certs-only message with a revocation list, and one without certificates.
: >"$work/index"
cat >"$work/crl.cnf" <<CNF
[ca]
default_ca = only
[only]
database = $work/index
default_md = sha256
default_crl_days = 36500
CNF
openssl ca -gencrl -config "$work/crl.cnf" -cert "$work/root.pem" -keyfile "$work/root.key" -out "$work/root.crl"
openssl crl2pkcs7 -in "$work/root.crl" -certfile "$work/chain.pem" -outform DER -out chain-with-crl.p7b
openssl crl2pkcs7 -in "$work/root.crl" -outform DER -out crl-only.p7b
# A message that signs something, and one of another type.
printf 'data' >"$work/data"
openssl smime -sign -in "$work/data" -signer "$work/leaf.pem" -inkey "$work/leaf.key" -outform DER -nosmimecap \
    -out signed-message.p7b
openssl cms -data_create -in "$work/data" -outform DER -out data-message.p7b

# Key exchange messages: the key 000102..0f under RSAES-OAEP, with SHA-512 as the protocol wants it and with SHA-256.
printf '\000\001\002\003\004\005\006\007\010\011\012\013\014\015\016\017' >"$work/key"
openssl pkey -in "$work/leaf.key" -pubout -out "$work/leaf.pub"
for hash in sha512 sha256; do
    openssl pkeyutl -encrypt -pubin -inkey "$work/leaf.pub" -in "$work/key" -pkeyopt rsa_padding_mode:oaep \
        -pkeyopt rsa_oaep_md:$hash -pkeyopt rsa_mgf1_md:$hash -out "oaep-$hash.bin"
done
