"""Writes manifest.toml and the frame hashes: what each encrypted file is and what it must decrypt to.

usage: manifest.py DIRECTORY RECIPES    (called by make.sh; tools from FFMPEG, PACKAGER, MP4BOX)

The oracle is the clear file a vector was made from, hashed sample by sample by ffmpeg's `framehash`.
Every vector is then decrypted by four programs (ffmpeg, Shaka Packager, GPAC, and mp4.py beside this
file); the manifest says which of them agree with the oracle and which do not.
"""

from concurrent.futures import ThreadPoolExecutor
import hashlib
import os
from pathlib import Path
import re
import shlex
import subprocess
import sys
import tempfile

import keys
import mp4

KEYS = keys.all_keys()
STREAM = {"vide": "video", "soun": "audio"}
# Decoding these is not asked of SoftCP: it takes the four schemes of ISO/IEC 23001-7.
OUTCOME = {"piff": "unknown-scheme"}
# The makers do not agree on these; README.md says how.
DISPUTED = {
    "gpac-cens-audio.mp4", "gpac-cenc-wrap-carries.mp4", "gpac-cenc-frag-saio-off.mp4", "gpac-cbc1-iv8.mp4",
    "gpac-cbcs-key-ivs.mp4", "b4-cens.mp4", "b4-cens-hevc.mp4", "b4-cens-opus.mp4",
}  # fmt: skip

PURPOSE = {
    "ff-cenc-moov-last.mp4": "plain file, moov behind mdat, senc in stbl; subsamples not in whole blocks",
    "ff-cenc-faststart.mp4": "the same with moov before mdat",
    "ff-cenc-audio.mp4": "audio alone: whole samples, no subsamples",
    "ff-cenc-frag-video.mp4": "fragments, default-base-is-moof",
    "ff-cenc-frag-base-offset.mp4": "fragments, base_data_offset written out in tfhd",
    "ff-cenc-frag-no-tfhd-offset.mp4": "fragments, neither base_data_offset nor default-base-is-moof",
    "ff-cenc-frag-several-trun.mp4": "several trun in a traf",
    "ff-cenc-frag-one-moof.mp4": "two tracks in one fragment",
    "ff-cenc-hevc.mp4": "HEVC",
    "ff-cenc-vp9-whole-sample.mp4": "video without subsamples",
    "ff-cenc-av1.mp4": "AV1",
    "pk-cenc": "cenc, 8-byte IVs, protected ranges in whole blocks",
    "pk-cens": "cens 1:9 (video); whole samples whose last partial block is clear (audio)",
    "pk-cbc1": "cbc1: one chain through the subsamples of a sample; last partial blocks of audio clear",
    "pk-cbcs": "cbcs 1:9 (video), whole samples (audio), constant IV; audio's senc has no saio",
    "pk-cbcs-5-5-v.mp4": "cbcs 5:5",
    "pk-cbcs-3-1-v.mp4": "cbcs 3:1; last runs shorter than three blocks are encrypted",
    "pk-cbcs-1-0-v.mp4": "cbcs 1:0: every whole block encrypted",
    "pk-cbcs-0-0-v.mp4": "cbcs 0:0: every whole block encrypted",
    "pk-cens-1-0-v.mp4": "cens 1:0: every whole block encrypted",
    "pk-cbcs-iv8-v.mp4": "cbcs, constant IV of 8 bytes: the other 8 are zeros",
    "pk-cbc1-iv8-v.mp4": "cbc1, IVs of 8 bytes: the other 8 are zeros",
    "pk-cbcs-rotate": "cbcs, a new key every second: seig groups in traf with constant IVs",
    "pk-cbc1-rotate-v.mp4": "cbc1, a new key every second",
    "pk-cens-rotate-v.mp4": "cens, a new key every second: seig groups with patterns",
    "pk-cbcs-clear-lead-v.mp4": "cbcs, first fragments clear, the rest protected",
    "pk-cbc1-hevc-v.mp4": "HEVC, cbc1",
    "pk-cbcs-hevc-v.mp4": "HEVC, cbcs",
    "pk-cbc1-av1-v.mp4": "AV1, cbc1",
    "pk-cbcs-av1-v.mp4": "AV1, cbcs",
    "pk-cbcs-vp9-v.mp4": "VP9, cbcs",
    "pk-cenc-opus-a.mp4": "Opus, cenc",
    "pk-cens-opus-a.mp4": "Opus, cens",
    "pk-cbc1-opus-a.mp4": "Opus, cbc1",
    "pk-cbcs-opus-a.mp4": "Opus, cbcs",
    "pk-cenc-iv16": "16-byte IVs, cenc",
    "pk-cens-iv16": "16-byte IVs, cens",
    "pk-cenc-wrap": "the block counter passes 2^64 inside the first samples, cenc",
    "pk-cens-wrap": "the block counter passes 2^64 inside the first samples, cens",
    "pk-cenc-rotate": "a new key every second: seig groups in traf",
    "pk-cenc-clear-lead": "first fragments clear, the rest protected",
    "pk-cens-5-5-v.mp4": "cens 5:5; last runs shorter than five blocks are encrypted",
    "pk-cens-10-0-v.mp4": "cens 10:0: everything encrypted",
    "pk-cens-0-0-v.mp4": "cens 0:0: everything encrypted",
    "pk-cens-3-1-v.mp4": "cens 3:1",
    "pk-cenc-hevc-v.mp4": "HEVC, cenc",
    "pk-cens-hevc-v.mp4": "HEVC, cens",
    "pk-cenc-vp9-v.mp4": "VP9, cenc, subsamples",
    "pk-cenc-av1-v.mp4": "AV1, cenc, one subsample a tile",
    "pk-cens-av1-v.mp4": "AV1, cens",
    "pk-cenc-segments-v.mp4": "initialisation segment and media segments in one file: styp and sidx between fragments",
    "gpac-cenc-two-keys.mp4": "plain file, two tracks, two keys, IVs of 8 and 16 bytes, senc in trak",
    "gpac-cenc-two-keys-frag.mp4": "the same in fragments; a second trun without data offset",
    "gpac-cenc-clear-audio.mp4": "one protected track, one that never was",
    "gpac-cenc-key-roll.mp4": "two keys in turn, every 7 samples: seig groups in stbl",
    "gpac-cenc-key-roll-frag.mp4": "the same in fragments: seig groups in traf, a second trun without data offset",
    "gpac-cenc-clear-samples.mp4": "only sync samples protected, the rest clear by a seig group; senc lists the protected ones",
    "gpac-cenc-clear-samples-frag.mp4": "the same in fragments",
    "gpac-cenc-track-all-clear.mp4": "a protected track whose samples are all clear by a seig group, without senc",
    "gpac-cenc-unaligned.mp4": "subsamples not in whole blocks; 16-byte IVs",
    "gpac-cenc-uuid-senc.mp4": "sample encryption boxes under PIFF's uuid instead of senc",
    "gpac-cenc-wrap-carries.mp4": "the block counter passes 2^64 and is carried into the IV, against the standard",
    "gpac-cens-1-9.mp4": "plain file, cens 1:9, audio clear",
    "gpac-cens-5-5.mp4": "plain file, cens 5:5, 16-byte IVs, audio clear",
    "gpac-cens-audio.mp4": "cens audio whose last partial block is encrypted, against the standard",
    "gpac-cbc1.mp4": "plain file, cbc1",
    "gpac-cbcs.mp4": "plain file, cbcs; audio without auxiliary data",
    "gpac-cbcs-frag.mp4": "the same in fragments",
    "gpac-cbcs-5-5.mp4": "plain file, cbcs 5:5, audio clear",
    "gpac-cbcs-iv8.mp4": "plain file, cbcs, constant IV of 8 bytes: the other 8 are zeros",
    "gpac-cbcs-unaligned.mp4": "cbcs, protected ranges that are not whole blocks",
    "gpac-cbc1-unaligned.mp4": "cbc1, protected ranges that are not whole blocks",
    "gpac-cbcs-key-roll.mp4": "cbcs, two keys in turn: seig groups in stbl with constant IVs and patterns",
    "gpac-cbcs-key-roll-frag.mp4": "the same in fragments: seig groups in traf",
    "gpac-cbc1-key-roll.mp4": "cbc1, two keys in turn",
    "gpac-cbcs-clear-samples-frag.mp4": "cbcs, only sync samples protected, the rest clear by a seig group",
    "gpac-cenc-cbcs.mp4": "two schemes in a file: cenc video, cbcs audio",
    "gpac-cenc-hevc.mp4": "HEVC, plain file, cenc",
    "gpac-cens-hevc.mp4": "HEVC, plain file, cens",
    "gpac-cbc1-hevc.mp4": "HEVC, plain file, cbc1",
    "gpac-cbcs-hevc.mp4": "HEVC, plain file, cbcs",
    "gpac-cenc-av1.mp4": "AV1, plain file, cenc",
    "gpac-cens-av1.mp4": "AV1, plain file, cens",
    "gpac-cbc1-av1.mp4": "AV1, plain file, cbc1",
    "gpac-cbcs-av1.mp4": "AV1, plain file, cbcs",
    "gpac-cenc-opus.mp4": "Opus, plain file, cenc",
    "gpac-cbc1-opus.mp4": "Opus, plain file, cbc1",
    "gpac-cbcs-opus.mp4": "Opus, plain file, cbcs",
    "gpac-cbc1-iv8.mp4": "cbc1 whose 16-byte IVs are chained from sample to sample, and of which half is written",
    "gpac-cbcs-key-ivs.mp4": "cbcs, seig groups that name a constant IV which was not used",
    "b4-cenc.mp4": "fragments, cenc, 16-byte IVs, ranges in whole blocks",
    "b4-cens.mp4": "cens whose pattern goes on through the subsamples, and audio encrypted to the last byte; against the standard",
    "b4-cbc1.mp4": "fragments, cbc1",
    "b4-cbcs.mp4": "fragments, cbcs, constant IV",
    "b4-cenc-hevc.mp4": "HEVC, cenc",
    "b4-cens-hevc.mp4": "HEVC, cens whose pattern goes on through the subsamples, against the standard",
    "b4-cbc1-hevc.mp4": "HEVC, cbc1",
    "b4-cbcs-hevc.mp4": "HEVC, cbcs",
    "b4-cenc-av1.mp4": "AV1, cenc, whole samples",
    "b4-cens-av1.mp4": "AV1, cens 1:9 over whole samples",
    "b4-cbc1-av1.mp4": "AV1, cbc1, whole samples",
    "b4-cbcs-av1.mp4": "AV1, cbcs 1:9 over whole samples",
    "b4-cenc-opus.mp4": "Opus, cenc",
    "b4-cens-opus.mp4": "Opus, cens encrypted to the last byte, against the standard",
    "b4-cbc1-opus.mp4": "Opus, cbc1",
    "b4-cbcs-opus.mp4": "Opus, cbcs",
    "b4-cbcs-clear-lead.mp4": "cbcs, first fragment clear under an entry of its own",
    "b4-cenc-no-senc.mp4": "no senc in fragments: IVs only through saiz and saio",
    "gpac-cenc-frag-saio-off.mp4": "saio counts from the moof although tfhd has a base_data_offset; senc is right",
    "gpac-piff.mp4": "Microsoft's PIFF 1.1: to be refused",
    "short-plain.mp4": "small: base of hostile files, plain",
    "short-faststart.mp4": "small: base of hostile files, moov before mdat",
    "short-frag.mp4": "small: base of hostile files, fragments",
    "short-groups.mp4": "small: base of hostile files, seig groups",
    "short-saio.mp4": "small: base of hostile files, no senc",
    "short-saio-frag.mp4": "small: base of hostile files, no senc in fragments",
    "derived-saio-only.mp4": "no senc: IVs only through saiz and saio; two tracks, IVs of 8 and 16 bytes",
    "derived-saio-only-frag.mp4": "no senc in fragments: IVs only through saiz and saio",
    "derived-senc-only.mp4": "neither saiz nor saio",
    "derived-senc-only-frag.mp4": "neither saiz nor saio, fragments",
    "derived-saio-per-chunk.mp4": "no senc; saio with one entry a chunk, auxiliary data in an mdat",
    "derived-saio-per-run.mp4": "no senc; saio with one entry a trun",
    "derived-co64.mp4": "64-bit chunk offsets and saio",
    "derived-wide-sizes.mp4": "64-bit box sizes",
    "derived-mdat-to-end.mp4": "an mdat of size 0",
    "derived-unknown-boxes.mp4": "unknown boxes at every level",
    "derived-seig-over-clear-tenc.mp4": "tenc says clear, seig groups in traf say protected",
    "derived-cbcs-seig-own-ivs-v.mp4": "cbcs, two makings in turn: seig groups with a key, a pattern and a constant IV of their own",
    "derived-cbcs-iv16-a.mp4": "cbcs, an IV for each sample, whole samples",
    "derived-cbcs-iv16-v.mp4": "cbcs 0:0, an IV for each sample, subsamples",
}


def main():
    folder, recipes = Path(sys.argv[1]), Path(sys.argv[2])
    lines = [line.split("\t") for line in recipes.read_text().splitlines()]
    versions = tool_versions()
    oracles = {clear[0]: oracle(folder, clear[0]) for clear in lines if clear[2] == "-"}
    check_packager_keeps_samples(folder, oracles)
    text = [HEAD, "[tools]\n"] + [f"{name} = {quote(text)}\n" for name, text in versions.items()]
    lines = [line for line in lines if not line[0].startswith(("hostile/", "part-"))]
    with ThreadPoolExecutor(max_workers=3) as pool:
        described = pool.map(lambda line: describe(folder, *line, oracles), lines)
        for (_, _, clear, _), entry in zip(lines, described):
            text.append("\n[[clear]]\n" if clear == "-" else "\n[[file]]\n")
            text.append(entry)
    (folder / "manifest.toml").write_text("".join(text))


HEAD = """\
# Written by tools/media/make.sh; do not edit. README.md in this folder explains the fields.

"""


def quote(text):
    return '"' + str(text).replace("\\", "\\\\").replace('"', '\\"') + '"'


def array(items):
    return "[" + ", ".join(quote(i) for i in items) + "]"


def purpose(name):
    return PURPOSE.get(name) or PURPOSE[name.removesuffix(".mp4")[:-2]]


# ---- oracles ---------------------------------------------------------------------------------------


def run(*command, allow_failure=False):
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode and not allow_failure:
        sys.exit(f"{' '.join(command)}\n{done.stderr}")
    return done


def tool_versions():
    ffmpeg = run(os.environ["FFMPEG"], "-version").stdout.split()[2]
    packager = re.search(r"v[\d.]+\S*", run(os.environ["PACKAGER"], "--version").stdout)[0]
    gpac = run(*shlex.split(os.environ["MP4BOX"]), "-version", allow_failure=True)
    gpac = re.search(r"version (\S+)", gpac.stdout + gpac.stderr)[1]
    bento4 = run(os.environ["MP4ENCRYPT"], allow_failure=True).stderr
    bento4 = re.search(r"Bento4 Version ([\d.]+)", bento4)[1]
    return {"ffmpeg": ffmpeg, "packager": packager, "gpac": gpac, "bento4": bento4}


def stream_hash(path, index, extra=()):
    """SHA-256 over all packets of one stream in file order, by ffmpeg; None when ffmpeg fails."""
    done = run(
        os.environ["FFMPEG"], "-v", "error", "-ignore_editlist", "1", *extra, "-i", str(path),
        "-map", f"0:{index}", "-c", "copy", "-f", "streamhash", "-hash", "sha256", "-",
        allow_failure=True,
    )  # fmt: skip
    found = re.search(r"SHA256=([0-9a-f]{64})", done.stdout)
    return found[1] if found and not done.returncode and found[1] != digest([]) else None


def oracle(folder, clear):
    """Per stream of a clear file: sample count, hash over all samples, file of the sample hashes."""
    tracks, data = {}, (folder / clear).read_bytes()
    for index, track in enumerate(mp4.read(data).values()):
        stream = STREAM[track.handler]
        name = f"{clear.removesuffix('.mp4')}.{stream}.framehash"
        run(
            os.environ["FFMPEG"], "-v", "error", "-y", "-ignore_editlist", "1", "-i", str(folder / clear),
            "-map", f"0:{index}", "-c", "copy", "-f", "framehash", "-hash", "sha256", str(folder / name),
        )  # fmt: skip
        hashes = [
            line.split(",")[5].strip()  # side data may follow
            for line in (folder / name).read_text().splitlines()
            if not line.startswith("#")
        ]
        own = [hashlib.sha256(p).hexdigest() for p in payloads(data, track)]
        whole = stream_hash(folder / clear, index)
        if hashes != own or whole != digest(payloads(data, track)):
            sys.exit(f"{clear}: ffmpeg and mp4.py disagree on {stream}")
        tracks[stream] = (len(hashes), whole, name)
    return tracks


def payloads(data, track):
    return [data[s.offset : s.offset + s.size] for s in track.samples]


def digest(parts):
    return hashlib.sha256(b"".join(parts)).hexdigest()


def check_packager_keeps_samples(folder, oracles):
    """The packager may rewrite samples; what it writes without encryption must equal the source."""
    for path in folder.glob("packager-clear*.mp4"):
        data = path.read_bytes()
        (track,) = mp4.read(data).values()
        source = path.name.removeprefix("packager-")[:-6] + ".mp4"
        if digest(payloads(data, track)) != oracles[source][STREAM[track.handler]][1]:
            sys.exit(f"{path.name}: the packager changes the samples")


# ---- one file --------------------------------------------------------------------------------------


def describe(folder, name, maker, clear, command, oracles):
    data = (folder / name).read_bytes()
    tracks = mp4.read(data)
    lines = [f"file = {quote(name)}"]
    if clear != "-":
        lines.append(f"purpose = {quote(purpose(name))}")
    lines += [f"maker = {quote(maker)}", f"command = {quote(command)}"]
    lines.append(f"bytes = {len(data)}")
    if clear == "-":
        for stream, (count, whole, framehash) in oracles[name].items():
            lines += ["", "[[clear.track]]", f"kind = {quote(stream)}", f"samples = {count}"]
            lines += [f"sha256 = {quote(whole)}", f"framehash = {quote(framehash)}"]
        return "\n".join(lines) + "\n"
    schemes = sorted({e.scheme for t in tracks.values() for e in t.entries if e.scheme})
    fragmented = any(t.fragments for t in tracks.values())
    outcome = "disputed" if name in DISPUTED else OUTCOME.get(schemes[0], "decrypts")
    lines += [f"clear = {quote(clear)}", f"scheme = {quote(schemes[0])}"]
    lines += [f"layout = {quote('fragmented' if fragmented else 'plain')}", f"outcome = {quote(outcome)}"]
    others = decrypt_elsewhere(folder / name, tracks)
    for track in tracks.values():
        lines += [""] + describe_track(name, data, track, oracles[clear], others[track.id], outcome, schemes[0])
    return "\n".join(lines) + "\n"


def describe_track(name, data, track, truth, others, outcome, file_scheme):
    stream = STREAM[track.handler]
    count, whole, framehash = truth[stream]
    protected = [s for s in track.samples if s.protection]
    patterns = sorted({f"{s.protection.crypt}:{s.protection.skip}" for s in protected})
    kids = list(dict.fromkeys(s.protection.kid.hex() for s in protected))
    tenc = next((e.tenc for e in track.entries if e.tenc), None)
    if tenc and tenc.kid.hex() in KEYS and tenc.kid.hex() not in kids:
        kids.append(tenc.kid.hex())
    lines = ["[[file.track]]", f"id = {track.id}", f"kind = {quote(stream)}"]
    lines.append(f"entries = {array(e.kind for e in track.entries)}")
    lines.append(f"keys = {array(f'{kid}:{KEYS[kid]}' for kid in kids)}")
    lines.append(f"iv_size = {protected[0].protection.iv_size if protected else 0}")
    scheme = next((e.scheme for e in track.entries if e.scheme), None)
    if scheme not in (None, file_scheme):
        lines.append(f"scheme = {quote(scheme)}")
    if protected and protected[0].protection.constant_iv:
        lines.append(f"constant_iv_size = {len(protected[0].protection.constant_iv)}")
    if tenc:
        lines.append(f"tenc_version = {next(e.tenc_version for e in track.entries if e.tenc)}")
    if patterns and patterns != ["0:0"]:
        lines.append(f"pattern = {quote(patterns[0])}")
    lines += [f"samples = {len(track.samples)}", f"protected_samples = {len(protected)}"]
    lines.append(f"subsamples = {sum(len(s.subsamples) for s in track.samples)}")
    lines.append(f"fragments = {track.fragments}")
    lines.append(f"features = {array(sorted(track.features))}")
    lines.append(f"stored_sha256 = {quote(digest(payloads(data, track)))}")
    lines += [f"sha256 = {quote(whole)}", f"framehash = {quote(framehash)}"]
    agree = [who for who, value in others.items() if value == whole]
    differ = [who for who, value in others.items() if value not in (whole, None)]
    cannot = [who for who, value in others.items() if value is None]
    lines += [f"agree = {array(agree)}", f"differ = {array(differ)}", f"cannot_read = {array(cannot)}"]
    if outcome != "disputed" and ("mp4.py" not in agree and outcome != "unknown-scheme"):
        sys.exit(f"{name} {stream}: mp4.py does not reach the oracle")
    if outcome == "decrypts" and kids and protected and digest(payloads(data, track)) == whole:
        sys.exit(f"{name} {stream}: is not encrypted")
    if len(track.samples) != count:
        sys.exit(f"{name} {stream}: {len(track.samples)} samples, not {count}")
    return lines


# ---- the decrypters --------------------------------------------------------------------------------


def decrypt_elsewhere(path, tracks):
    """Per track: what each program makes of it, as a hash over the samples; None where it gives up."""
    found = {track_id: {} for track_id in tracks}
    data = path.read_bytes()
    every_key = ":".join(f"{kid}={key}" for kid, key in KEYS.items())
    gpac = decrypt_with_gpac(path, tracks)
    for index, track in enumerate(tracks.values()):
        entry = found[track.id]
        entry["ffmpeg"] = stream_hash(path, index, ("-decryption_keys", every_key))
        entry["packager"] = decrypt_with_packager(path, track)
        entry["gpac"] = gpac.get(track.id)
        try:
            clear = [mp4.decrypt(data, track, s, lambda kid: bytes.fromhex(KEYS[kid.hex()])) for s in track.samples]
            entry["mp4.py"] = digest(clear)
        except ValueError:
            entry["mp4.py"] = None
    return found


def decrypt_with_packager(path, track):
    labels = ",".join(f"label={i}:key_id={kid}:key={key}" for i, (kid, key) in enumerate(KEYS.items()))
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "out.mp4"
        done = run(
            os.environ["PACKAGER"], f"in={path},stream={STREAM[track.handler]},output={out}",
            "--enable_raw_key_decryption", "--keys", labels,
            allow_failure=True,
        )  # fmt: skip
        if done.returncode or not out.exists():
            return None
        data = out.read_bytes()
        (made,) = mp4.read(data).values()
        return digest(payloads(data, made))


def decrypt_with_gpac(path, tracks):
    xml = ["<GPACDRM>"]
    for track_id in tracks:
        xml.append(f'<CrypTrack trackID="{track_id}">')
        xml += [f'<key KID="0x{kid}" value="0x{key}"/>' for kid, key in KEYS.items()]
        xml.append("</CrypTrack>")
    with tempfile.TemporaryDirectory(dir=".") as folder:
        script, out = Path(folder) / "d.xml", Path(folder) / "out.mp4"
        script.write_text('<?xml version="1.0" encoding="UTF-8"?>' + "".join(xml) + "</GPACDRM>")
        run(
            *shlex.split(os.environ["MP4BOX"]), "-quiet", "-for-test", "-decrypt", str(script), str(path),
            "-out", str(out),
            allow_failure=True,
        )  # fmt: skip
        if not out.exists():
            return {}
        data = out.read_bytes()
        made = mp4.read(data)
    return {i: digest(payloads(data, t)) for i, t in made.items() if all(not e.scheme for e in t.entries)}


if __name__ == "__main__":
    main()
