#!/usr/bin/env bash
# A version 1 `tenc` box with a pattern and a constant IV, as every `cbcs` track has one, in the common media library.
#
# Guessed: @svta/cml-iso-bmff gives pattern 1:9, protected 1, IV size 0, the KID and the constant IV (ISO/IEC 23001-7, 8.2).
# True:    version 1.0.6 knows the form of version 0 alone. It takes the reserved byte, the pattern and default_isProtected for one
#          number of three bytes, so that `defaultIsEncrypted` is 6401 for a pattern of 1:9, and has neither the pattern nor the
#          constant IV. Nothing says that the version is not known.
# Why it matters: a test that asks `defaultIsEncrypted === 1`, right for `cenc`, takes `cbcs` tracks for clear ones, and without the
#          constant IV nothing can be decrypted. Look at the version first.
#
# Needs: node, npm. Not part of CI. Exit code 1 when what is seen has changed.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
npm init -y >/dev/null
npm install --silent --no-audit --no-fund @svta/cml-iso-bmff@1.0.6
cat >look.mjs <<'JS'
import { readIsoBoxes, readTenc } from '@svta/cml-iso-bmff';

const kid = '000102030405060708090a0b0c0d0e0f';
const iv = 'a0a1a2a3a4a5a6a7a8a9aaabacadaeaf';
const of = (hex) => {
    const box = Buffer.from(hex, 'hex');
    const [tenc] = readIsoBoxes(box.buffer.slice(box.byteOffset, box.byteOffset + box.length), { readers: { tenc: readTenc } });
    const names = Object.keys(tenc).filter((name) => /crypt|skip|pattern|constant|encrypted/i.test(name));
    return names.map((name) => `${name} ${tenc[name]}`).join(', ');
};
// size, type, version and flags; reserved; reserved or pattern; protected; IV size; KID; for version 1 the constant IV.
console.log(`version 0: ${of('00000020' + '74656e63' + '00000000' + '00' + '00' + '01' + '08' + kid)}`);
console.log(`version 1: ${of('00000031' + '74656e63' + '01000000' + '00' + '19' + '01' + '00' + kid + '10' + iv)}`);
JS
node look.mjs | tee seen
diff - seen <<'EXPECTED'
version 0: defaultIsEncrypted 1
version 1: defaultIsEncrypted 6401
EXPECTED
