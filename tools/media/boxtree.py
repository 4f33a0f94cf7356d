"""An MP4 file as a tree of boxes that can be changed and written again."""

import struct

import mp4

# Bytes before the children of boxes that are more than containers, by kind.
PREFIX = {
    b"stsd": 8, b"meta": 4,
    b"encv": mp4.VIDEO_ENTRY_HEADER, b"avc1": mp4.VIDEO_ENTRY_HEADER,
    b"enca": mp4.AUDIO_ENTRY_HEADER, b"mp4a": mp4.AUDIO_ENTRY_HEADER,
}  # fmt: skip


class Node:
    """A box: `data` in front of `children`; `wide` writes its size in 64 bits."""

    def __init__(self, kind, data=b"", children=None):
        self.kind = kind
        self.data = bytearray(data)
        self.children = children
        self.wide = False

    def bytes(self):
        body = bytes(self.data) + b"".join(c.bytes() for c in self.children or [])
        if self.wide:
            return struct.pack(">I4sQ", 1, self.kind, len(body) + 16) + body
        return struct.pack(">I4s", len(body) + 8, self.kind) + body

    def all(self, path):
        """The boxes at a path below this one, such as "trak/mdia"."""
        head, _, rest = path.partition("/")
        found = [c for c in self.children or [] if c.kind == head.encode()]
        return [inner for c in found for inner in c.all(rest)] if rest else found

    def walk(self):
        yield self
        for child in self.children or []:
            yield from child.walk()


def parse(data):
    """The file as one node without a header, whose children are the top-level boxes."""
    return Node(b"", b"", _children(data, 0, len(data)))


def write(root):
    return b"".join(c.bytes() for c in root.children)


def _children(data, start, end):
    nodes = []
    for box in mp4.boxes(data, start, end):
        if box.kind in mp4.CONTAINERS or box.kind in PREFIX:
            at = box.body + PREFIX.get(box.kind, 0)
            nodes.append(Node(box.kind, data[box.body : at], _children(data, at, box.end)))
        else:
            nodes.append(Node(box.kind, data[box.body : box.end]))
    return nodes


def position(root, wanted):
    """Where a node's body begins in the written file."""

    def search(nodes, at):
        for node in nodes:
            header = 16 if node.wide else 8
            if node is wanted:
                return at + header
            found = search(node.children or [], at + header + len(node.data))
            if found is not None:
                return found
            at += len(node.bytes())
        return None

    return search(root.children, 0)
