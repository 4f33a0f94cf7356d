"""A small MP4 / Common Encryption reader for the tools in this folder.

It is the third opinion beside the two decrypters: it knows nothing of SoftCP and shares no code with
it. It trusts its input (it reads only what the tools here have just made) and raises on anything odd.

Box layout: ISO/IEC 14496-12. Encryption boxes: ISO/IEC 23001-7.
"""

from dataclasses import dataclass, field
import struct

CONTAINERS = {
    b"moov", b"trak", b"mdia", b"minf", b"stbl", b"dinf", b"edts", b"mvex", b"moof", b"traf",
    b"mfra", b"sinf", b"schi", b"udta",
}
VIDEO_ENTRY_HEADER = 78
AUDIO_ENTRY_HEADER = 28
PIFF_SENC = bytes.fromhex("a2394f525a9b4f14a2446c427c648df4")


@dataclass
class Box:
    """One box: `start` and `end` are file offsets, `body` is the first byte after the header."""

    kind: bytes
    start: int
    body: int
    end: int


def boxes(data, start=0, end=None):
    """Yields the boxes that lie next to each other in `data[start:end]`."""
    end = len(data) if end is None else end
    while start + 8 <= end:
        size, kind = struct.unpack_from(">I4s", data, start)
        body = start + 8
        if size == 1:
            size = struct.unpack_from(">Q", data, body)[0]
            body += 8
        elif size == 0:
            size = end - start
        if size < body - start or start + size > end:
            raise ValueError(f"box {kind} at {start} has size {size}")
        yield Box(kind, start, body, start + size)
        start += size


def find_all(data, path, start=0, end=None):
    """All boxes at a path such as "moov/trak/mdia", in file order."""
    head, _, rest = path.partition("/")
    found = [b for b in boxes(data, start, end) if b.kind == head.encode()]
    if not rest:
        return found
    return [inner for b in found for inner in find_all(data, rest, b.body, b.end)]


def find(data, path, start=0, end=None):
    """The first box at a path, or None."""
    found = find_all(data, path, start, end)
    return found[0] if found else None


def full_box(data, box):
    """Version, flags and the offset of the first byte after them."""
    word = struct.unpack_from(">I", data, box.body)[0]
    return word >> 24, word & 0xFFFFFF, box.body + 4


@dataclass
class Protection:
    """What `tenc` or a `seig` group says about a sample."""

    protected: bool
    iv_size: int
    kid: bytes
    constant_iv: bytes = b""
    crypt: int = 0
    skip: int = 0


@dataclass
class Sample:
    """One sample: where its bytes lie and how they are protected (None: in the clear)."""

    offset: int
    size: int
    entry: int
    protection: Protection = None
    iv: bytes = b""
    subsamples: list = field(default_factory=list)
    group: int = 0


@dataclass
class Entry:
    """A sample entry: coding name, scheme (None when clear) and its `tenc`."""

    kind: str
    scheme: str = None
    tenc: Protection = None
    tenc_version: int = 0


@dataclass
class Track:
    """A track with its samples in decode order and the places its encryption facts came from."""

    id: int
    handler: str
    entries: list
    samples: list = field(default_factory=list)
    groups: list = field(default_factory=list)
    features: set = field(default_factory=set)
    fragments: int = 0
    runs: list = field(default_factory=list)  # samples in each chunk of stbl, or each trun of the last traf


def read(data):
    """The tracks of a file, plain or fragmented, by track number."""
    tracks, defaults = {}, {}
    for trex in find_all(data, "moov/mvex/trex"):
        track, entry, _, size, _ = struct.unpack_from(">5I", data, trex.body + 4)
        defaults[track] = (entry, size)
    for trak in find_all(data, "moov/trak"):
        track = _track(data, trak)
        tracks[track.id] = track
        _table_samples(data, trak, track)
    for moof in find_all(data, "moof"):
        end_of_data = moof.start
        for traf in find_all(data, "traf", moof.body, moof.end):
            end_of_data = _fragment(data, moof, traf, tracks, defaults, end_of_data)
    return tracks


def _track(data, trak):
    tkhd = find(data, "tkhd", trak.body, trak.end)
    version, _, at = full_box(data, tkhd)
    track_id = struct.unpack_from(">I", data, at + (16 if version else 8))[0]
    hdlr = find(data, "mdia/hdlr", trak.body, trak.end)
    handler = data[hdlr.body + 8 : hdlr.body + 12].decode()
    stsd = find(data, "mdia/minf/stbl/stsd", trak.body, trak.end)
    entries = [_entry(data, b, handler) for b in boxes(data, stsd.body + 8, stsd.end)]
    return Track(track_id, handler, entries)


def _entry(data, box, handler):
    header = {"vide": VIDEO_ENTRY_HEADER, "soun": AUDIO_ENTRY_HEADER}.get(handler)
    entry = Entry(box.kind.decode("latin-1"))
    if header is None:
        return entry
    sinf = find(data, "sinf", box.body + header, box.end)
    if sinf is None:
        return entry
    schm = find(data, "schm", sinf.body, sinf.end)
    entry.scheme = data[schm.body + 4 : schm.body + 8].decode()
    tenc = find(data, "schi/tenc", sinf.body, sinf.end)
    if tenc is not None:  # PIFF has its own, under a uuid
        entry.tenc_version, _, at = full_box(data, tenc)
        entry.tenc = _protection(data, at)
    return entry


def _protection(data, at):
    """The body that `tenc` and a `seig` entry share: reserved, pattern, protected, IV size, KID."""
    _, pattern, protected, iv_size = struct.unpack_from(">4B", data, at)
    kid = data[at + 4 : at + 20]
    constant = b""
    if protected and iv_size == 0:
        length = data[at + 20]
        constant = data[at + 21 : at + 21 + length]
    return Protection(bool(protected), iv_size, kid, constant, pattern >> 4, pattern & 15)


def _table_samples(data, trak, track):
    stbl = find(data, "mdia/minf/stbl", trak.body, trak.end)
    inside = (stbl.body, stbl.end)
    stsz = find(data, "stsz", *inside)
    fixed, count = struct.unpack_from(">2I", data, stsz.body + 4)
    groups = _groups(data, stbl, track, [])
    if count == 0:
        return
    sizes = [fixed] * count if fixed else list(struct.unpack_from(f">{count}I", data, stsz.body + 12))
    stco, wide = find(data, "stco", *inside), "I"
    if stco is None:
        stco, wide = find(data, "co64", *inside), "Q"
        track.features.add("co64")
    chunks = struct.unpack_from(">I", data, stco.body + 4)[0]
    offsets = struct.unpack_from(f">{chunks}{wide}", data, stco.body + 8)
    stsc = find(data, "stsc", *inside)
    runs = struct.unpack_from(">I", data, stsc.body + 4)[0]
    run = [struct.unpack_from(">3I", data, stsc.body + 8 + 12 * i) for i in range(runs)]
    run.append((chunks + 1, 0, 0))
    index = 0
    for (first, per_chunk, entry), following in zip(run, run[1:]):
        for chunk in range(first - 1, following[0] - 1):
            at = offsets[chunk]
            track.runs.append(per_chunk)
            for _ in range(per_chunk):
                track.samples.append(Sample(at, sizes[index], entry))
                at += sizes[index]
                index += 1
    if index != count:
        raise ValueError("stsc and stsz disagree")
    _protect(data, track, track.samples, stbl, trak, groups, 0)


def _fragment(data, moof, traf, tracks, defaults, end_of_data):
    tfhd = find(data, "tfhd", traf.body, traf.end)
    _, flags, at = full_box(data, tfhd)
    track = tracks[struct.unpack_from(">I", data, at)[0]]
    at += 4
    entry, size = defaults[track.id]
    base = moof.start if flags & 0x20000 else end_of_data
    for bit, wide in ((0x1, "Q"), (0x2, "I"), (0x8, "I"), (0x10, "I"), (0x20, "I")):
        if flags & bit:
            value = struct.unpack_from(">" + wide, data, at)[0]
            at += struct.calcsize(wide)
            base = value if bit == 0x1 else base
            entry = value if bit == 0x2 else entry
            size = value if bit == 0x10 else size
    samples, position, track.runs = [], base, []
    for trun in find_all(data, "trun", traf.body, traf.end):
        _, run_flags, at = full_box(data, trun)
        count = struct.unpack_from(">I", data, at)[0]
        at += 4
        if run_flags & 0x1:
            position = base + struct.unpack_from(">i", data, at)[0]
            at += 4
        at += 4 if run_flags & 0x4 else 0
        track.runs.append(count)
        for _ in range(count):
            at += 4 if run_flags & 0x100 else 0
            this = size
            if run_flags & 0x200:
                this = struct.unpack_from(">I", data, at)[0]
                at += 4
            at += 4 if run_flags & 0x400 else 0
            at += 4 if run_flags & 0x800 else 0
            samples.append(Sample(position, this, entry))
            position += this
    track.fragments += 1
    if len(find_all(data, "trun", traf.body, traf.end)) > 1:
        track.features.add("several trun")
    groups = _groups(data, traf, track, list(track.groups))
    _protect(data, track, samples, traf, traf, groups, base)
    track.samples += samples
    return position


def _groups(data, inside, track, track_groups):
    """The `seig` entries a `sbgp` in this box may name: numbers from 1 in the track, from 0x10001 here."""
    groups = {i + 1: g for i, g in enumerate(track_groups)}
    for sgpd in find_all(data, "sgpd", inside.body, inside.end):
        version, _, at = full_box(data, sgpd)
        if data[at : at + 4] != b"seig":
            continue
        at += 4
        length = 0
        if version >= 1:
            length = struct.unpack_from(">I", data, at)[0]
            at += 4
        if version >= 2:
            at += 4
        count = struct.unpack_from(">I", data, at)[0]
        at += 4
        local = inside.kind == b"traf"
        for i in range(count):
            this = length
            if version >= 1 and length == 0:
                this = struct.unpack_from(">I", data, at)[0]
                at += 4
            group = _protection(data, at)
            groups[i + 1 + (0x10000 if local else 0)] = group
            if not local:
                track.groups.append(group)
            track.features.add("seig in traf" if local else "seig in stbl")
            at += this or (20 if group.iv_size or not group.protected else 21 + len(group.constant_iv))
    return groups


def _protect(data, track, samples, inside, outer, groups, base):
    for sample in samples:
        entry = track.entries[sample.entry - 1]
        sample.protection = entry.tenc if entry.tenc and entry.tenc.protected else None
    for sbgp in find_all(data, "sbgp", inside.body, inside.end):
        version, _, at = full_box(data, sbgp)
        if data[at : at + 4] != b"seig":
            continue
        at += 8 if version else 4
        runs = struct.unpack_from(">I", data, at)[0]
        index = 0
        for i in range(runs):
            count, group = struct.unpack_from(">2I", data, at + 4 + 8 * i)
            for sample in samples[index : index + count]:
                if group:
                    sample.group = group
                    sample.protection = groups[group] if groups[group].protected else None
            index += count
    _auxiliary(data, track, samples, inside, outer, base)


def _auxiliary(data, track, samples, inside, outer, base):
    """Reads IVs and subsamples from `senc` where there is one, else through `saiz` and `saio`."""
    place = {b"stbl": "stbl", b"traf": "traf"}[inside.kind]
    saio = find(data, "saio", inside.body, inside.end)
    if saio is not None:
        version, flags, at = full_box(data, saio)
        at += 8 if flags & 1 else 0
        count = struct.unpack_from(">I", data, at)[0]
        track.features.add("saio" if count == 1 else "saio with several entries")
    for holder in (inside, outer):
        for box in boxes(data, holder.body, holder.end):
            piff = box.kind == b"uuid" and data[box.body : box.body + 16] == PIFF_SENC
            if box.kind != b"senc" and not piff:
                continue
            track.features.add(("PIFF uuid" if piff else "senc") + " in " + (place if holder is inside else "trak"))
            _senc(data, samples, box.body + (16 if piff else 0))
            return
    if saio is None:
        if any(s.protection and s.protection.iv_size for s in samples):
            raise ValueError("no senc and no saio")
        for sample in samples:
            sample.iv = sample.protection.constant_iv if sample.protection else b""
        return
    track.features.add("no senc")
    _saio(data, track, samples, inside, saio, base)


def _senc(data, samples, at):
    word, count = struct.unpack_from(">2I", data, at)
    at += 8
    # A count below the number of samples is used by makers that list protected samples only.
    listed = samples if count == len(samples) else [s for s in samples if s.protection]
    if count != len(listed):
        raise ValueError(f"senc lists {count} samples, the run has {len(samples)}")
    for sample in listed:
        at = _aux_entry(data, sample, at, bool(word & 2))


def _saio(data, track, samples, inside, saio, base):
    saiz = find(data, "saiz", inside.body, inside.end)
    _, flags, at = full_box(data, saiz)
    at += 8 if flags & 1 else 0
    fixed, count = struct.unpack_from(">BI", data, at)
    sizes = [fixed] * count if fixed else list(data[at + 5 : at + 5 + count])
    version, flags, at = full_box(data, saio)
    at += 8 if flags & 1 else 0
    entries = struct.unpack_from(">I", data, at)[0]
    offsets = struct.unpack_from(f">{entries}{'Q' if version else 'I'}", data, at + 4)
    if entries == 1:
        starts = {0: offsets[0] + base}
    elif entries == len(track.runs):
        starts = {sum(track.runs[:i]): offset + base for i, offset in enumerate(offsets)}
    else:
        raise ValueError("saio has neither one entry nor one a run of samples")
    for index, (sample, size) in enumerate(zip(samples, sizes)):
        at = starts.get(index, at)
        if size:
            end = _aux_entry(data, sample, at, size > sample.protection.iv_size)
            if end - at != size:
                raise ValueError("saiz and the auxiliary data disagree")
        at += size


def _aux_entry(data, sample, at, subsamples):
    protection = sample.protection
    if protection is None:
        return at
    sample.iv = data[at : at + protection.iv_size] or protection.constant_iv
    at += protection.iv_size
    if subsamples:
        count = struct.unpack_from(">H", data, at)[0]
        at += 2
        for _ in range(count):
            sample.subsamples.append(struct.unpack_from(">HI", data, at))
            at += 6
    return at


def decrypt(data, track, sample, key_of):
    """A sample's clear bytes. `key_of` gives the 16-byte key for a KID."""
    from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

    payload = bytearray(data[sample.offset : sample.offset + sample.size])
    protection = sample.protection
    if protection is None:
        return bytes(payload)
    scheme = track.entries[sample.entry - 1].scheme
    aes = algorithms.AES(key_of(protection.kid))
    ecb = Cipher(aes, modes.ECB()).encryptor()
    iv = sample.iv.ljust(16, b"\0")

    def counter_blocks():
        # The low 64 bits count and wrap; nothing is carried into the upper half (ISO/IEC 23001-7, 9.2).
        high, low = iv[:8], int.from_bytes(iv[8:], "big")
        while True:
            yield from ecb.update(high + (low & (2**64 - 1)).to_bytes(8, "big"))
            low += 1

    keystream = counter_blocks()
    chain = Cipher(aes, modes.CBC(iv)).decryptor()
    for start, end in _ranges(sample):
        if scheme == "cbcs":
            chain = Cipher(aes, modes.CBC(iv)).decryptor()
        for first, last in _runs(start, end, protection, scheme):
            if scheme in ("cenc", "cens"):
                for i in range(first, last):
                    payload[i] ^= next(keystream)
            else:
                payload[first:last] = chain.update(bytes(payload[first:last]))
    return bytes(payload)


def _ranges(sample):
    if not sample.subsamples:
        return [(0, sample.size)]
    ranges, at = [], 0
    for clear, protected in sample.subsamples:
        ranges.append((at + clear, at + clear + protected))
        at += clear + protected
    if at != sample.size:
        raise ValueError("subsamples do not add up to the sample")
    return ranges


def _runs(start, end, protection, scheme):
    """The encrypted runs of a protected range. Only `cenc` enciphers a last block that is not whole."""
    if scheme == "cenc":
        return [(start, end)]
    end -= (end - start) % 16
    if scheme == "cbc1" or not (protection.crypt or protection.skip):
        return [(start, end)]
    runs = []
    while start < end:
        stop = min(start + 16 * protection.crypt, end)
        runs.append((start, stop))
        start = stop + 16 * protection.skip
    return runs
