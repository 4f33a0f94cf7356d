"""The keys of the test files. They protect nothing: they are printed here on purpose.

`make.sh` has the same numbers in its head.
"""

VIDEO = ("1a2b3c4d5e6f70819203142536475869", "0f1e2d3c4b5a69788796a5b4c3d2e1f0")
AUDIO = ("a1b2c3d4e5f60718293a4b5c6d7e8f90", "9c8d7e6f5a4b3c2d1e0fa1b2c3d4e5f6")
NEXT = ("2b3c4d5e6f708192031425364758697a", "55aa66bb77cc88dd99ee00ff1122334f")


def rotated(pair, by):
    """What Shaka Packager's key rotation makes of a raw key: KID and key turned left by whole bytes."""
    return tuple(text[2 * by :] + text[: 2 * by] for text in pair)


def all_keys():
    """KID to key, in hex, for every file."""
    pairs = [VIDEO, AUDIO, NEXT]
    pairs += [rotated(pair, by) for pair in (VIDEO, AUDIO) for by in range(1, 4)]
    return dict(pairs)
