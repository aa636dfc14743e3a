"""Colour profiles for the tests, byte by byte after ICC.1:2001-04, so that no software's own are needed."""

import struct
from collections.abc import Sequence

import numpy as np

D50 = (0.9642, 1.0, 0.8249)
ADOBE = np.array([[0.60974, 0.31111, 0.01947], [0.20528, 0.62567, 0.06087], [0.14919, 0.06322, 0.74457]])
"""Red, green and blue of Adobe RGB (1998) as XYZ under D50, by its specification."""
ADOBE_GAMMA = 563 / 256
SRGB = np.array([[0.43607, 0.22249, 0.01392], [0.38515, 0.71687, 0.09708], [0.14307, 0.06061, 0.71410]])


def matrix_profile(primaries: np.ndarray, curve: bytes) -> bytes:
    """A screen's profile: XYZ of red, green and blue, and one curve for the three."""
    colours = {name: _xyz(row) for name, row in zip((b"rXYZ", b"gXYZ", b"bXYZ"), primaries.tolist(), strict=True)}
    return _profile(b"mntr", b"RGB ", b"XYZ ", {**colours, b"rTRC": curve, b"gTRC": curve, b"bTRC": curve})


def grey_profile(gamma: float) -> bytes:
    return _profile(b"mntr", b"GRAY", b"XYZ ", {b"kTRC": gamma_curve(gamma)})


def ink_profile(labs: Sequence[tuple[float, float, float]]) -> bytes:
    """A printer's profile. labs: colours of the 16 ways to put full ink or none, cyan counting 8, magenta 4, yellow 2, black 1."""
    nodes = bytes(value for light, a, b in labs for value in (round(light * 2.55), round(a + 128), round(b + 128)))
    ramp = bytes(range(256))
    identity = struct.pack(">9i", *(65536 if i % 4 == 0 else 0 for i in range(9)))
    table = b"mft1" + bytes(4) + bytes((4, 3, 2, 0)) + identity + ramp * 4 + nodes + ramp * 3
    return _profile(b"prtr", b"CMYK", b"Lab ", {b"A2B0": table})


def gamma_curve(gamma: float) -> bytes:
    return b"curv" + bytes(4) + struct.pack(">IH", 1, round(gamma * 256))


def table_curve(values: np.ndarray) -> bytes:
    """values: 0..1, at equal distances."""
    return b"curv" + bytes(4) + struct.pack(f">I{len(values)}H", len(values), *np.rint(values * 65535).astype(int).tolist())


def _xyz(values: Sequence[float]) -> bytes:
    return b"XYZ " + bytes(4) + struct.pack(">3i", *(round(value * 65536) for value in values))


def _profile(device: bytes, space: bytes, connection: bytes, tags: dict[bytes, bytes]) -> bytes:
    tags = {b"desc": b"desc" + bytes(4) + struct.pack(">I", 2) + b"x\0" + bytes(78), b"wtpt": _xyz(D50), **tags}
    index, body, at = b"", b"", 128 + 4 + 12 * len(tags)
    for name, data in tags.items():
        data += bytes(-len(data) % 4)
        index += name + struct.pack(">II", at + len(body), len(data))
        body += data
    head = bytes(8) + struct.pack(">I", 0x02400000) + device + space + connection + bytes(12) + b"acsp" + bytes(28)
    head += struct.pack(">3i", *(round(value * 65536) for value in D50))
    rest = head[4:] + bytes(128 - len(head)) + struct.pack(">I", len(tags)) + index + body
    return struct.pack(">I", 4 + len(rest)) + rest
