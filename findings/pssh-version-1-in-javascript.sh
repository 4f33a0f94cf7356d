#!/usr/bin/env bash
# A version 1 `pssh` box, as every packager writes it for the common system identifier, in two JavaScript box readers.
#
# Guessed: both read it (ISO/IEC 23001-7, 8.1): version, system identifier, KID_count, KID_count times 16 bytes, DataSize, Data.
# True:    codem-isoboxer 0.3.10 never looks at the version: it gives KID_count as DataSize, and the first bytes of the first
#          KID as Data. @svta/cml-iso-bmff 1.0.6 takes KID_count for a number of bytes: it reads one byte of a KID for each, takes
#          the next four for DataSize, and ends with a RangeError or with 'data' that is none.
# Why it matters: whoever compares the key systems and KIDs that `softcp` lists with a player's (dash.js and players on the common
#          media library read boxes this way) sees other values for a right file. Read `pssh` by its version.
#
# Needs: node, npm. Not part of CI. Exit code 1 when what is seen has changed.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
npm init -y >/dev/null
npm install --silent --no-audit --no-fund codem-isoboxer@0.3.10 @svta/cml-iso-bmff@1.0.6
cat >look.mjs <<'JS'
import isoboxer from 'codem-isoboxer';
import { readIsoBoxes, readPssh } from '@svta/cml-iso-bmff';

// size, type, version 1, flags; the common system identifier; one KID; no data.
const system = '1077efecc0b24d02ace33c1e52e2fb4b';
const kid = '000102030405060708090a0b0c0d0e0f';
const box = Buffer.from('00000034' + '70737368' + '01000000' + system + '00000001' + kid + '00000000', 'hex');
const memory = box.buffer.slice(box.byteOffset, box.byteOffset + box.length);

const one = isoboxer.parseBuffer(memory).fetch('pssh');
console.log(`codem-isoboxer: version ${one.version}, DataSize ${one.DataSize}, Data [${Array.from(one.Data)}]`);
try {
    const [two] = readIsoBoxes(memory, { readers: { pssh: readPssh } });
    console.log(`cml-iso-bmff: kidCount ${two.kidCount}, kid of ${two.kid.length} bytes, dataSize ${two.dataSize}`);
} catch (error) {
    console.log(`cml-iso-bmff: ${error.name}`);
}
JS
node look.mjs | tee seen
diff - seen <<'EXPECTED'
codem-isoboxer: version 1, DataSize 1, Data [0]
cml-iso-bmff: RangeError
EXPECTED
