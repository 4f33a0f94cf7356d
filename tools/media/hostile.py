"""Makes the files that must be refused: good files with exactly one defect each, named after it.

usage: hostile.py DIRECTORY RECIPES    (called by make.sh; writes DIRECTORY/hostile and its manifest)

A defect is a patch in place wherever that is possible: boxes are removed by renaming them to `free`, so that
no offset moves.
"""

import hashlib
import json
from pathlib import Path
import struct
import sys

import keys
import mp4

PLAIN = "short-plain.mp4"  # moov last, two tracks, senc in stbl
FIRST = "short-faststart.mp4"  # the same, moov first
FRAGMENTS = "short-frag.mp4"  # two fragments, video, senc in traf
SAIO = "short-saio.mp4"  # PLAIN with senc renamed to free
SAIO_FRAGMENTS = "short-saio-frag.mp4"  # FRAGMENTS with senc renamed to free
GROUPS = "short-groups.mp4"  # two tracks, seig groups in stbl

STBL = "moov/trak/mdia/minf/stbl"
VIDEO_SINF = ("encv", "sinf")

HEAD = """\
# Written by tools/media/make.sh; do not edit.
#
# expect: "error": refuse with an error. "error-or-clear": refuse, or find the samples of the clear file;
# never other bytes. "altered": decrypts, to other bytes than the clear file's (Common Encryption protects
# secrecy, not integrity). "any": error or result. Always: no panic, no endless loop, no memory out of proportion.
# The undamaged `base` lies one folder up; the clear samples of all bases are those of clear-short.mp4.

"""


def main():
    folder, recipes = Path(sys.argv[1]), Path(sys.argv[2])
    out = folder / "hostile"
    out.mkdir(exist_ok=True)
    lines = [HEAD, f"keys = {json.dumps([':'.join(k) for k in keys.all_keys().items()])}\n"]
    for name, (base, expect, why, change) in {**DEFECTS, **WRITTEN}.items():
        data = bytearray((folder / base).read_bytes()) if base else bytearray()
        made = change(data)
        made = bytes(data if made is None else made)
        if base and made == (folder / base).read_bytes():
            sys.exit(f"{name}: nothing changed")
        (out / name).write_bytes(made)
        lines.append(entry(name, base, expect, why, made))
    for line in recipes.read_text().splitlines():
        name, maker, _, command = line.split("\t")
        if name.startswith("hostile/"):
            name = name.removeprefix("hostile/")
            expect, why = MADE[name]
            text = entry(name, None, expect, why, (out / name).read_bytes())
            lines.append(text + f'maker = "{maker}"\ncommand = "{command}"\n')
    (out / "manifest.toml").write_text("".join(lines))


def entry(name, base, expect, why, made):
    text = f'\n[[file]]\nfile = "{name}"\nexpect = "{expect}"\ndefect = "{why}"\n'
    if base:
        text += f'base = "{base}"\n'
    return text + f'bytes = {len(made)}\nstored_sha256 = "{hashlib.sha256(made).hexdigest()}"\n'


# ---- patches -----------------------------------------------------------------------------------------


def box(data, path, index=0):
    found = mp4.find_all(data, path)
    return found[index]


def inside_entry(data, *path):
    """A box below the video sample entry, such as sinf, schi, tenc."""
    stsd = box(data, f"{STBL}/stsd")
    found = next(mp4.boxes(data, stsd.body + 8, stsd.end))
    start = found.body + mp4.VIDEO_ENTRY_HEADER
    for kind in path:
        found = mp4.find(data, kind, start, found.end)
        start = found.body
    return found


def put(data, at, form, *values):
    struct.pack_into(form, data, at, *values)


def set_u32(path, at, value, index=0):
    """Overwrites 32 bits in a box, `at` counted from its first byte after the header."""
    return lambda data: put(data, box(data, path, index).body + at, ">I", value)


def set_u64(path, at, value, index=0):
    return lambda data: put(data, box(data, path, index).body + at, ">Q", value)


def set_u8(path, at, value, index=0):
    return lambda data: put(data, box(data, path, index).body + at, ">B", value)


def set_size(path, size, index=0):
    """Overwrites a box's 32-bit size."""
    return lambda data: put(data, box(data, path, index).start, ">I", size)


def hide(path, index=0):
    """Renames a box to free."""
    return lambda data: put(data, box(data, path, index).start + 4, ">4s", b"free")


def hide_all(*paths):
    def change(data):
        for path in paths:
            for found in mp4.find_all(data, path):
                put(data, found.start + 4, ">4s", b"free")

    return change


def in_entry(path, at, form, *values):
    """Patches a box below the video sample entry, `at` counted from its start, header included."""
    return lambda data: put(data, inside_entry(data, *path).start + at, form, *values)


def shrink(path, by, index=0):
    """Takes `by` bytes off a box and gives them to a free box behind it (at least 8)."""

    def change(data):
        found = box(data, path, index)
        put(data, found.start, ">I", found.end - found.start - by)
        put(data, found.end - by, ">I4s", by, b"free")

    return change


def cut(path, keep, index=0):
    """Ends the file `keep` bytes after a box's start."""
    return lambda data: data[: box(data, path, index).start + keep]


def first_sample(data, track=0):
    return list(mp4.read(bytes(data)).values())[track].samples[0]


def first_senc_entry(data):
    """Where the first sample's IV lies in the first senc: after flags and count."""
    path = "moof/traf/senc" if mp4.find(data, "moof") else f"{STBL}/senc"
    return box(data, path).body + 8


def set_subsample(clear, protected):
    """Overwrites the first subsample of the first sample."""

    def change(data):
        old = struct.unpack_from(">HI", data, first_senc_entry(data) + 10)
        new = (old[0] if clear is None else clear, old[1] + protected if protected in (-1, 16) else protected)
        put(data, first_senc_entry(data) + 10, ">HI", *new)

    return change


def nested(data):
    """20,000 boxes inside each other, as long as the file's box sizes allow, behind the real ones in moov."""
    moov = box(data, "moov")
    depth, body = 20_000, b""
    kinds = (b"trak", b"mdia", b"minf", b"stbl")
    total = 8 * depth
    for level in range(depth):
        body += struct.pack(">I4s", total - 8 * level, kinds[level % 4])
    put(data, moov.start, ">I", moov.end - moov.start + total)
    return bytes(data) + body


def same_bytes_twice(data):
    """The second chunk of the video track placed on the first."""
    stco = box(data, f"{STBL}/stco")
    data[stco.body + 12 : stco.body + 16] = data[stco.body + 8 : stco.body + 12]


def same_track_twice(data):
    tkhd = mp4.find_all(data, "moov/trak/tkhd")
    at = 20 if data[tkhd[0].body] else 12
    data[tkhd[1].body + at : tkhd[1].body + at + 4] = data[tkhd[0].body + at : tkhd[0].body + at + 4]


def flip(at_of):
    def change(data):
        data[at_of(data)] ^= 0x10

    return change


def fixed_size_samples(data):
    """stsz with sample_size 1 and count 2^32 - 1: no table is needed to claim four thousand million samples."""
    stsz = box(data, f"{STBL}/stsz")
    put(data, stsz.body + 4, ">II", 1, 0xFFFFFFFF)


def empty_samples(data):
    """A trun without any field for its samples, whose count is 2^32 - 1 and whose default size is 0."""
    trun = box(data, "moof/traf/trun")
    flags = struct.unpack_from(">I", data, trun.body)[0]
    put(data, trun.body, ">II", flags & 0xFF000001, 0xFFFFFFFF)
    tfhd = box(data, "moof/traf/tfhd")
    tfhd_flags = struct.unpack_from(">I", data, tfhd.body)[0]
    if tfhd_flags & 0x10:
        raise ValueError("tfhd has a default size")


DEFECTS = {
    # Boxes
    "box-size-7.mp4": (PLAIN, "error", "a trak of 7 bytes, less than its header", set_size("moov/trak", 7)),
    "box-size-0-inside-moov.mp4": (FIRST, "any", "a trak of size 0, which only a last top-level box may have", set_size("moov/trak", 0)),
    "box-size-past-parent.mp4": (PLAIN, "error", "a stbl that ends behind its minf", set_size(STBL, 0x00FFFFFF)),
    "box-size-past-end-of-file.mp4": (PLAIN, "error", "a moov that ends behind the file", set_size("moov", 0x7FFFFFFF)),
    "box-size-64-bit-huge.mp4": (PLAIN, "error", "a moov with a 64-bit size of 2^64 - 1", lambda d: wide_size(d, 2**64 - 1)),
    "box-size-64-bit-below-16.mp4": (PLAIN, "error", "a moov with a 64-bit size of 8", lambda d: wide_size(d, 8)),
    "moov-recursion-deep.mp4": (PLAIN, "error-or-clear", "20,000 containers inside each other", nested),
    "truncated-in-box-header.mp4": (PLAIN, "error", "the file ends inside moov's header", cut("moov", 6)),
    "truncated-in-moov.mp4": (PLAIN, "error", "the file ends inside moov", cut(f"{STBL}/stsz", 30)),
    "truncated-in-mdat.mp4": (FIRST, "error", "the file ends inside mdat", cut("mdat", 2000)),
    "truncated-in-senc.mp4": (FRAGMENTS, "error", "the file ends inside the second senc", cut("moof/traf/senc", 30, 1)),
    "truncated-in-last-sample.mp4": (FRAGMENTS, "error", "the last byte of the last mdat is missing", lambda d: d[: last_mdat(d).end - 1]),
    # What is not there
    "missing-moov.mp4": (FRAGMENTS, "error", "fragments without moov", hide("moov")),
    "missing-mdat.mp4": (PLAIN, "any", "mdat renamed to free: its bytes are still where stco says", hide("mdat")),
    "missing-sinf.mp4": (PLAIN, "error", "encv without sinf", in_entry(("sinf",), 4, ">4s", b"free")),
    "missing-frma.mp4": (PLAIN, "error", "sinf without frma", in_entry(("sinf", "frma"), 4, ">4s", b"free")),
    "missing-schm.mp4": (PLAIN, "error", "sinf without schm", in_entry(("sinf", "schm"), 4, ">4s", b"free")),
    "missing-schi.mp4": (PLAIN, "error", "sinf without schi", in_entry(("sinf", "schi"), 4, ">4s", b"free")),
    "missing-tenc.mp4": (PLAIN, "error", "schi without tenc", in_entry(("sinf", "schi", "tenc"), 4, ">4s", b"free")),
    "missing-stsd.mp4": (PLAIN, "error", "stbl without stsd", hide(f"{STBL}/stsd")),
    "missing-stsz.mp4": (PLAIN, "error", "stbl without stsz", hide(f"{STBL}/stsz")),
    "missing-stsc.mp4": (PLAIN, "error", "stbl without stsc", hide(f"{STBL}/stsc")),
    "missing-stco.mp4": (PLAIN, "error", "stbl without stco", hide(f"{STBL}/stco")),
    "missing-trex.mp4": (FRAGMENTS, "any", "fragments without trex", hide("moov/mvex/trex")),
    "missing-tfhd.mp4": (FRAGMENTS, "error", "traf without tfhd", hide("moof/traf/tfhd")),
    "missing-auxiliary-data.mp4": (PLAIN, "error", "no senc, saiz or saio", hide_all(f"{STBL}/senc", f"{STBL}/saiz", f"{STBL}/saio")),
    "missing-auxiliary-data-in-traf.mp4": (FRAGMENTS, "error", "no senc, saiz or saio", hide_all("moof/traf/senc", "moof/traf/saiz", "moof/traf/saio")),
    "missing-saiz.mp4": (SAIO, "error", "saio without saiz, and no senc", hide(f"{STBL}/saiz")),
    "missing-saio.mp4": (SAIO, "error", "saiz without saio, and no senc", hide(f"{STBL}/saio")),
    # Tracks and sample entries
    "duplicate-track-id.mp4": (PLAIN, "any", "two tracks with one number", same_track_twice),
    "stsd-count-huge.mp4": (PLAIN, "error-or-clear", "stsd announces 2^32 - 1 entries", set_u32(f"{STBL}/stsd", 4, 0xFFFFFFFF)),
    "stsd-count-zero.mp4": (PLAIN, "error-or-clear", "stsd announces no entries", set_u32(f"{STBL}/stsd", 4, 0)),
    "scheme-unknown.mp4": (PLAIN, "error", "the scheme is called xyz1", in_entry(("sinf", "schm"), 12, ">4s", b"xyz1")),
    "tenc-truncated.mp4": (PLAIN, "error", "tenc ends inside the KID", lambda d: shrink_tenc(d, 8)),
    "tenc-iv-size-5.mp4": (PLAIN, "error", "an IV size of 5", in_entry(("sinf", "schi", "tenc"), 15, ">B", 5)),
    "tenc-iv-size-0.mp4": (PLAIN, "error", "an IV size of 0 and no constant IV", in_entry(("sinf", "schi", "tenc"), 15, ">B", 0)),
    "tenc-version-9.mp4": (PLAIN, "any", "tenc in a version that does not exist", in_entry(("sinf", "schi", "tenc"), 8, ">B", 9)),
    # senc
    "senc-count-huge.mp4": (PLAIN, "error", "senc announces 2^32 - 1 samples", set_u32(f"{STBL}/senc", 4, 0xFFFFFFFF)),
    "senc-count-huge-in-traf.mp4": (FRAGMENTS, "error", "senc announces 2^32 - 1 samples", set_u32("moof/traf/senc", 4, 0xFFFFFFFF)),
    "senc-count-short.mp4": (FRAGMENTS, "error", "senc announces one sample less than the fragment has", lambda d: put(d, box(d, "moof/traf/senc").body + 4, ">I", 5)),
    "senc-entry-truncated.mp4": (FRAGMENTS, "error", "senc ends inside its last entry", shrink("moof/traf/senc", 8)),
    "senc-iv-flipped.mp4": (FRAGMENTS, "altered", "one bit of the first IV", flip(first_senc_entry)),
    "subsample-count-65535.mp4": (FRAGMENTS, "error", "the first sample announces 65,535 subsamples", lambda d: put(d, first_senc_entry(d) + 8, ">H", 0xFFFF)),
    "subsamples-exceed-sample.mp4": (FRAGMENTS, "error", "the first sample's subsamples are 16 bytes longer than it", set_subsample(None, 16)),
    "subsamples-below-sample.mp4": (FRAGMENTS, "altered", "the first sample's subsamples are one byte shorter than it", set_subsample(None, -1)),
    "subsamples-overflow.mp4": (FRAGMENTS, "error", "a protected range of 2^32 - 1 bytes", set_subsample(0xFFFF, 0xFFFFFFFF)),
    # saiz and saio
    "saio-past-end.mp4": (SAIO, "error", "saio points behind the file", set_u32(f"{STBL}/saio", 8, 0x7FFFFFFF)),
    "saio-past-end-in-traf.mp4": (SAIO_FRAGMENTS, "error", "saio points behind the file", set_u32("moof/traf/saio", 8, 0x7FFFFFFF)),
    "saio-count-zero.mp4": (SAIO, "error", "saio has no entry", set_u32(f"{STBL}/saio", 4, 0)),
    "saio-count-huge.mp4": (SAIO, "error", "saio announces 2^32 - 1 entries", set_u32(f"{STBL}/saio", 4, 0xFFFFFFFF)),
    "saio-version-1-short.mp4": (SAIO, "error", "saio says 64-bit entries and ends after 32 bits", set_u8(f"{STBL}/saio", 0, 1)),
    "saiz-count-short.mp4": (SAIO, "error", "saiz announces one sample less than there are", lambda d: saiz_count(d, -1)),
    "saiz-count-huge.mp4": (SAIO, "error-or-clear", "saiz announces 2^32 - 1 samples", set_u32(f"{STBL}/saiz", 5, 0xFFFFFFFF)),
    "saiz-size-below-iv.mp4": (SAIO, "error", "every sample's auxiliary data is 7 bytes long, the IV 8", set_u8(f"{STBL}/saiz", 4, 7)),
    # Sample tables
    "stsz-truncated.mp4": (PLAIN, "error", "stsz ends inside its table", shrink(f"{STBL}/stsz", 10)),
    "stsz-count-huge.mp4": (PLAIN, "error", "stsz announces 2^32 - 1 samples", set_u32(f"{STBL}/stsz", 8, 0xFFFFFFFF)),
    "stsz-count-huge-fixed-size.mp4": (PLAIN, "error", "stsz: 2^32 - 1 samples of one byte, for which no table is needed", fixed_size_samples),
    "stsz-sample-huge.mp4": (PLAIN, "error", "a sample of 2^31 - 1 bytes", set_u32(f"{STBL}/stsz", 12, 0x7FFFFFFF)),
    "stsz-count-short.mp4": (PLAIN, "error", "stsz announces one sample less than stsc gives out", lambda d: stsz_count(d, -1)),
    "stsc-count-huge.mp4": (PLAIN, "error", "stsc announces 2^32 - 1 runs", set_u32(f"{STBL}/stsc", 4, 0xFFFFFFFF)),
    "stsc-first-chunk-zero.mp4": (PLAIN, "error", "the first run begins at chunk 0", set_u32(f"{STBL}/stsc", 8, 0)),
    "stsc-first-chunk-two.mp4": (PLAIN, "error", "the first run begins at chunk 2", set_u32(f"{STBL}/stsc", 8, 2)),
    "stsc-samples-huge.mp4": (PLAIN, "error", "a run of 2^32 - 1 samples a chunk", set_u32(f"{STBL}/stsc", 12, 0xFFFFFFFF)),
    "stsc-description-zero.mp4": (PLAIN, "error", "sample description 0", set_u32(f"{STBL}/stsc", 16, 0)),
    "stsc-description-nine.mp4": (PLAIN, "error", "sample description 9 of 1", set_u32(f"{STBL}/stsc", 16, 9)),
    "stco-count-huge.mp4": (PLAIN, "error", "stco announces 2^32 - 1 chunks", set_u32(f"{STBL}/stco", 4, 0xFFFFFFFF)),
    "stco-past-end.mp4": (PLAIN, "error", "the first chunk lies behind the file", set_u32(f"{STBL}/stco", 8, 0xFFFFFFF0)),
    "chunks-overlap.mp4": (PLAIN, "any", "two chunks in one place: deciphering in place would do it twice", same_bytes_twice),
    # Fragments
    "trun-count-huge.mp4": (FRAGMENTS, "error", "trun announces 2^32 - 1 samples", set_u32("moof/traf/trun", 4, 0xFFFFFFFF)),
    "trun-count-huge-no-fields.mp4": (FRAGMENTS, "error", "trun: 2^32 - 1 samples of 0 bytes, for which no table is needed", empty_samples),
    "trun-sample-huge.mp4": (FRAGMENTS, "error", "a sample of 2^32 - 1 bytes", lambda d: put(d, first_trun_size(d), ">I", 0xFFFFFFFF)),
    "trun-offset-negative.mp4": (FRAGMENTS, "error", "samples before the file's beginning", set_u32("moof/traf/trun", 8, 0x80000000)),
    "trun-offset-past-end.mp4": (FRAGMENTS, "error", "samples behind the file's end", set_u32("moof/traf/trun", 8, 0x7FFFFFFF)),
    "tfhd-unknown-track.mp4": (FRAGMENTS, "altered", "a fragment of track 77", set_u32("moof/traf/tfhd", 4, 77)),
    # Sample groups
    "sbgp-group-unknown.mp4": (GROUPS, "error", "group 99 of 2", set_u32(f"{STBL}/sbgp", 16, 99)),
    "sbgp-run-huge.mp4": (GROUPS, "any", "a run of 2^32 - 1 samples in a group", set_u32(f"{STBL}/sbgp", 12, 0xFFFFFFFF)),
    "sbgp-count-huge.mp4": (GROUPS, "error", "sbgp announces 2^32 - 1 runs", set_u32(f"{STBL}/sbgp", 8, 0xFFFFFFFF)),
    "sgpd-count-huge.mp4": (GROUPS, "error", "sgpd announces 2^32 - 1 groups", lambda d: put(d, sgpd_at(d) + 12, ">I", 0xFFFFFFFF)),
    "sgpd-length-huge.mp4": (GROUPS, "error-or-clear", "a group description of 2^32 - 1 bytes", lambda d: put(d, sgpd_at(d) + 8, ">I", 0xFFFFFFFF)),
    "sgpd-length-short.mp4": (GROUPS, "error-or-clear", "a group description of 4 bytes", lambda d: put(d, sgpd_at(d) + 8, ">I", 4)),
    "seig-iv-size-9.mp4": (GROUPS, "error", "a group with an IV size of 9", lambda d: put(d, sgpd_at(d) + 16 + 3, ">B", 9)),
    # Bytes
    "payload-bit-flipped.mp4": (PLAIN, "altered", "one bit in a protected range", flip(lambda d: first_sample(d).offset + 60)),
    "kid-bit-flipped.mp4": (PLAIN, "error", "one bit of the KID in tenc: no key is known for it", flip(lambda d: inside_entry(d, "sinf", "schi", "tenc").start + 20)),
}  # fmt: skip

WRITTEN = {
    "empty.mp4": (None, "error", "no bytes at all", lambda _: b""),
    "only-ftyp.mp4": (None, "error", "ftyp and nothing else", lambda _: struct.pack(">I4s4sI", 16, b"ftyp", b"isom", 0)),
    "not-an-mp4.mp4": (None, "error", "plain text", lambda _: b"This is not an MP4 file.\n" * 20),
    "only-moov-header.mp4": (None, "error", "an empty moov", lambda _: struct.pack(">I4s", 8, b"moov")),
}

MADE = {
    "ffmpeg9-frag-audio-senc-grows.mp4": ("error-or-clear", "each senc of the audio track repeats the entries of all earlier fragments"),
    "ffmpeg9-first-samples-without-senc.mp4": ("error-or-clear", "the initialization vectors of the samples in moov stand in the senc of the first fragment"),
    "ffmpeg5-frag-without-senc.mp4": ("error", "fragments without senc, saiz and saio"),
    "bento4-plain-without-senc.mp4": ("error", "a track labeled cenc whose samples are clear and have no senc"),
    "bento4-plain-left-clear.mp4": ("altered", "a track labeled cbcs, with a constant IV, whose samples are clear"),
}  # fmt: skip


def wide_size(data, size):
    """moov behind an inserted 64-bit size."""
    moov = box(data, "moov")
    return data[: moov.start] + struct.pack(">I4sQ", 1, b"moov", size) + data[moov.body :]


def last_mdat(data):
    return mp4.find_all(data, "mdat")[-1]


def shrink_tenc(data, by):
    tenc = inside_entry(data, "sinf", "schi", "tenc")
    put(data, tenc.start, ">I", tenc.end - tenc.start - by)
    put(data, tenc.end - by, ">I4s", by, b"free")


def saiz_count(data, by):
    saiz = box(data, f"{STBL}/saiz")
    count = struct.unpack_from(">I", data, saiz.body + 5)[0]
    put(data, saiz.body + 5, ">I", count + by)


def stsz_count(data, by):
    stsz = box(data, f"{STBL}/stsz")
    count = struct.unpack_from(">I", data, stsz.body + 8)[0]
    put(data, stsz.body + 8, ">I", count + by)


def first_trun_size(data):
    """Where the first sample's size lies in the first trun."""
    trun = box(data, "moof/traf/trun")
    flags = struct.unpack_from(">I", data, trun.body)[0] & 0xFFFFFF
    if not flags & 0x200:
        raise ValueError("trun has no sizes")
    at = trun.body + 8
    at += sum(4 for bit in (0x1, 0x4) if flags & bit)
    return at + (4 if flags & 0x100 else 0)


def sgpd_at(data):
    """The body of the first sgpd for seig."""
    for found in mp4.find_all(data, f"{STBL}/sgpd"):
        if data[found.body + 4 : found.body + 8] == b"seig":
            return found.body
    raise ValueError("no seig")


if __name__ == "__main__":
    main()
