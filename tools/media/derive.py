"""Makes files that no maker at hand writes but that the standards allow, out of files that makers wrote.

usage: derive.py DIRECTORY RECIPES    (called by make.sh)

Only boxes change. Every sample keeps its bytes, so the oracle of the file it came from still holds.
"""

from pathlib import Path
import struct
import sys

import boxtree
import keys
import mp4

PROGRESSIVE = "ff-cenc-moov-last.mp4"
UNKNOWN = bytes.fromhex("5af1c9b8e7d64c3ba2918f7e6d5c4b3a")


def main():
    folder, recipes = Path(sys.argv[1]), Path(sys.argv[2])
    clear_of = {line.split("\t")[0]: line.split("\t")[2] for line in recipes.read_text().splitlines()}
    with recipes.open("a") as log:
        for name, (*sources, change) in DERIVED.items():
            roots = [boxtree.parse((folder / source).read_bytes()) for source in sources]
            made = change(*roots)
            (folder / name).write_bytes(boxtree.write(roots[0]) if made is None else made)
            words = change.__doc__.splitlines()[0]
            log.write(f"{name}\tderive.py\t{clear_of[sources[0]]}\tderive.py {' '.join(sources)}: {words}\n")


def saio_only(root):
    """senc renamed to free; saio points at the auxiliary data inside it."""
    for node in root.walk():
        if node.kind == b"senc":
            node.kind = b"free"


def senc_only(root):
    """saiz and saio renamed to free."""
    for node in root.walk():
        if node.kind in (b"saiz", b"saio"):
            node.kind = b"free"


def saio_per_chunk(root):
    """no senc; the auxiliary data in an mdat of its own, one saio entry a chunk."""
    moov = root.children.pop()
    aux = boxtree.Node(b"mdat")
    root.children.append(aux)
    at = boxtree.position(root, aux)
    for stbl in moov.all("trak/mdia/minf/stbl"):
        per_chunk = _samples_of_chunks(stbl)
        sizes = _aux_sizes(stbl)
        (senc,), (saio,) = stbl.all("senc"), stbl.all("saio")
        stbl.children.remove(senc)
        offsets, first = [], 0
        for count in per_chunk:
            offsets.append(at + sum(sizes[:first]))
            first += count
        saio.data[4:] = struct.pack(f">I{len(offsets)}I", len(offsets), *offsets)
        aux.data += senc.data[8:]
        at += len(senc.data) - 8
    root.children.append(moov)


def saio_per_run(root):
    """no senc in traf; one saio entry a trun."""
    for moof in root.all("moof"):
        before = len(moof.bytes())
        for traf in moof.all("traf"):
            runs = [struct.unpack_from(">I", r.data, 4)[0] for r in traf.all("trun")]
            (saio,), (senc,) = traf.all("saio"), traf.all("senc")
            saio.data[4:] = bytes(4 + 4 * len(runs))
            senc.kind = b"free"
        grown = len(moof.bytes()) - before
        start = boxtree.position(root, moof) - 8
        for traf in moof.all("traf"):
            for run in traf.all("trun"):
                offset = struct.unpack_from(">i", run.data, 8)[0]
                struct.pack_into(">i", run.data, 8, offset + grown)
            runs = [struct.unpack_from(">I", r.data, 4)[0] for r in traf.all("trun")]
            sizes, (saio,), (senc,) = _aux_sizes(traf), traf.all("saio"), traf.all("free")
            at, first, offsets = boxtree.position(root, senc) + 8 - start, 0, []
            for count in runs:
                offsets.append(at + sum(sizes[:first]))
                first += count
            saio.data[4:] = struct.pack(f">I{len(offsets)}I", len(offsets), *offsets)


def wide_chunk_offsets(root):
    """stco rewritten as co64, saio as version 1."""
    moov = root.children[-1]
    for stbl in moov.all("trak/mdia/minf/stbl"):
        (stco,), (saio,) = stbl.all("stco"), stbl.all("saio")
        count = struct.unpack_from(">I", stco.data, 4)[0]
        offsets = struct.unpack_from(f">{count}I", stco.data, 8)
        stco.kind, stco.data[8:] = b"co64", struct.pack(f">{count}Q", *offsets)
        saio.data = bytearray(struct.pack(">IIQ", 1 << 24, 1, 0))
    _point_saio_at_senc(root, moov)


def wide_sizes(root):
    """64-bit sizes for mdat, moov, trak, stbl and senc."""
    moov = root.children[-1]
    for node in root.walk():
        node.wide = node.kind in (b"mdat", b"moov", b"trak", b"stbl", b"senc")
    for stbl in moov.all("trak/mdia/minf/stbl"):
        (stco,) = stbl.all("stco")
        count = struct.unpack_from(">I", stco.data, 4)[0]
        offsets = struct.unpack_from(f">{count}I", stco.data, 8)
        struct.pack_into(f">{count}I", stco.data, 8, *(o + 8 for o in offsets))
    _point_saio_at_senc(root, moov)


def mdat_to_end(root):
    """mdat, the last box, with size 0: it runs to the end of the file."""
    data = bytearray(boxtree.write(root))
    last = root.children[-1]
    if last.kind != b"mdat":
        raise ValueError("mdat is not last")
    struct.pack_into(">I", data, len(data) - len(last.bytes()), 0)
    return bytes(data)


def unknown_boxes(root):
    """a free box, an unknown kind and an unknown uuid at the head and end of every container."""
    moov = root.children[-1]
    for node in list(moov.walk()):
        if node.kind in mp4.CONTAINERS:
            node.children.insert(0, boxtree.Node(b"free", b"\xff" * 5))
            node.children.insert(0, boxtree.Node(b"zzzz"))
            node.children.append(boxtree.Node(b"uuid", UNKNOWN + b"\x01\x02\x03"))
    root.children.insert(len(root.children) - 1, boxtree.Node(b"zzzz", b"\0" * 9))
    root.children.append(boxtree.Node(b"uuid", UNKNOWN))
    _point_saio_at_senc(root, moov)


def tenc_not_protected(root):
    """default_isProtected 0 and IV size 0 in tenc: only the seig groups protect."""
    for node in root.walk():
        if node.kind == b"tenc":
            node.data[6] = node.data[7] = 0


def cbc1_as_cbcs(root):
    """cbc1 with one protected range a sample, labeled cbcs: the same bytes, and an IV for each sample."""
    for node in root.walk():
        if node.kind == b"schm":
            node.data[4:8] = b"cbcs"


def fragments_in_turn(root, other):
    """every second fragment from the other file, under a seig group with its key, pattern and constant IV."""
    iv = bytes.fromhex("fedcba9876543210f0e1d2c3b4a59687")
    seig = bytes([0, 0x55, 1, 0]) + bytes.fromhex(keys.NEXT[0]) + bytes([16]) + iv
    fragments = [i for i, node in enumerate(root.children) if node.kind == b"moof"]
    if fragments != [i for i, node in enumerate(other.children) if node.kind == b"moof"]:
        raise ValueError("the files are not laid out alike")
    for node in root.children:
        if node.kind == b"sidx":
            node.kind = b"free"  # it has the sizes of the fragments
    for index in fragments[1::2]:
        moof = other.children[index]
        (traf,) = moof.all("traf")
        (trun,) = traf.all("trun")
        before = len(moof.bytes())
        count, offset = struct.unpack_from(">Ii", trun.data, 4)
        traf.children.append(boxtree.Node(b"sgpd", struct.pack(">I4sII", 1 << 24, b"seig", len(seig), 1) + seig))
        traf.children.append(boxtree.Node(b"sbgp", struct.pack(">I4sIII", 0, b"seig", 1, count, 0x10001)))
        struct.pack_into(">i", trun.data, 8, offset + len(moof.bytes()) - before)
        root.children[index : index + 2] = other.children[index : index + 2]


DERIVED = {
    "short-saio.mp4": ("short-plain.mp4", saio_only),
    "short-saio-frag.mp4": ("short-frag.mp4", saio_only),
    "derived-saio-only.mp4": ("gpac-cenc-two-keys.mp4", saio_only),
    "derived-saio-only-frag.mp4": ("pk-cenc-v.mp4", saio_only),
    "derived-senc-only.mp4": ("gpac-cenc-two-keys.mp4", senc_only),
    "derived-senc-only-frag.mp4": ("pk-cenc-v.mp4", senc_only),
    "derived-saio-per-chunk.mp4": (PROGRESSIVE, saio_per_chunk),
    "derived-saio-per-run.mp4": ("ff-cenc-frag-several-trun.mp4", saio_per_run),
    "derived-co64.mp4": (PROGRESSIVE, wide_chunk_offsets),
    "derived-wide-sizes.mp4": (PROGRESSIVE, wide_sizes),
    "derived-mdat-to-end.mp4": ("ff-cenc-faststart.mp4", mdat_to_end),
    "derived-unknown-boxes.mp4": (PROGRESSIVE, unknown_boxes),
    "derived-seig-over-clear-tenc.mp4": ("pk-cenc-rotate-v.mp4", tenc_not_protected),
    "derived-cbcs-iv16-a.mp4": ("pk-cbc1-a.mp4", cbc1_as_cbcs),
    "derived-cbcs-iv16-v.mp4": ("part-cbc1-short-v.mp4", cbc1_as_cbcs),
    "derived-cbcs-seig-own-ivs-v.mp4": ("pk-cbcs-v.mp4", "part-cbcs-next-v.mp4", fragments_in_turn),
}


def _aux_sizes(inside):
    (saiz,) = inside.all("saiz")
    fixed, count = struct.unpack_from(">BI", saiz.data, 4)
    return [fixed] * count if fixed else list(saiz.data[9 : 9 + count])


def _samples_of_chunks(stbl):
    (stsc,), (stco,) = stbl.all("stsc"), stbl.all("stco")
    chunks = struct.unpack_from(">I", stco.data, 4)[0]
    runs = struct.unpack_from(">I", stsc.data, 4)[0]
    table = [struct.unpack_from(">3I", stsc.data, 8 + 12 * i) for i in range(runs)] + [(chunks + 1, 0, 0)]
    return [count for (first, count, _), after in zip(table, table[1:]) for _ in range(first, after[0])]


def _point_saio_at_senc(root, moov):
    for stbl in moov.all("trak/mdia/minf/stbl"):
        (saio,), (senc,) = stbl.all("saio"), stbl.all("senc")
        wide = saio.data[0] == 1
        struct.pack_into(">Q" if wide else ">I", saio.data, 8, boxtree.position(root, senc) + 8)


if __name__ == "__main__":
    main()
