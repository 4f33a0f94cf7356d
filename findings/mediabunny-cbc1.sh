#!/usr/bin/env bash
# The four schemes of Common Encryption in mediabunny, a library that reads and decrypts media files in JavaScript.
#
# Guessed: with a key, it either decrypts a track or refuses it with an error. Without a key, it does refuse.
# True:    mediabunny 1.61.0 decrypts `cenc`, `cens` and `cbcs` video to the clear samples. For `cbc1` it logs "Unsupported encryption
#          scheme" once and hands out the samples as they lie in the file: same number, same sizes, still encrypted, no error.
# Why it matters: a comparison of `softcp decrypt` with it must not take "no error" for "decrypted", and a log line is easily lost in
#          a browser. Compare hashes, and look at the scheme first (`schm`).
#
# Needs: node, npm, python3 with venv. Not part of CI. Exit code 1 when what is seen has changed.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
npm init -y >/dev/null
npm install --silent --no-audit --no-fund mediabunny@1.61.0 shaka-packager@3.4.2
python3 -m venv python
python/bin/pip install --quiet --disable-pip-version-check imageio-ffmpeg==0.6.0
ffmpeg=$(python/bin/python -c 'import imageio_ffmpeg; print(imageio_ffmpeg.get_ffmpeg_exe())')
"$ffmpeg" -v error -f lavfi -i testsrc2=size=320x180:rate=25 -t 1 -c:v libx264 -pix_fmt yuv420p clear.mp4
key=f0e1d2c3b4a5968778695a4b3c2d1e0f
for scheme in cenc cens cbc1 cbcs; do
    node_modules/shaka-packager/bin/packager-linux-x64 --quiet in=clear.mp4,stream=video,output=$scheme.mp4 \
        --enable_raw_key_encryption --keys "label=:key_id=000102030405060708090a0b0c0d0e0f:key=$key" \
        --protection_scheme $scheme --clear_lead 0 2>/dev/null
done
cat >look.mjs <<'JS'
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { ALL_FORMATS, BufferSource, EncodedPacketSink, Input } from 'mediabunny';

async function samples(file) {
    const formatOptions = { isobmff: { resolveKeyId: async () => process.argv[2] } };
    const input = new Input({ formats: ALL_FORMATS, source: new BufferSource(readFileSync(file)), formatOptions });
    const [track] = await input.getTracks();
    const hash = createHash('sha256');
    let bytes = 0;
    for await (const packet of new EncodedPacketSink(track).packets()) {
        hash.update(packet.data);
        bytes += packet.byteLength;
    }
    return { bytes, hash: hash.digest('hex') };
}

const clear = await samples('clear.mp4');
for (const scheme of ['cenc', 'cens', 'cbc1', 'cbcs']) {
    const seen = await samples(`${scheme}.mp4`).catch((error) => ({ error }));
    const result = seen.error ? 'an error' : seen.hash === clear.hash ? 'clear' : seen.bytes === clear.bytes ? 'as many bytes, others' : 'other sizes';
    console.log(`${scheme}: ${result}`);
}
JS
node look.mjs $key | tee seen
diff - seen <<'EXPECTED'
cenc: clear
cens: clear
cbc1: as many bytes, others
cbcs: clear
EXPECTED
