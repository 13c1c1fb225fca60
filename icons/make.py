"""Makes every form of the icon that the bundlers want from mark.svg. Needs rsvg-convert (Debian: librsvg2-bin).

The results are committed; this runs again only when the mark changes.
"""

import pathlib
import struct
import subprocess

HERE = pathlib.Path(__file__).parent
PNG = {"32x32.png": 32, "64x64.png": 64, "128x128.png": 128, "128x128@2x.png": 256, "icon.png": 512}
# The types of an icns file, by the pixels of the PNG they hold.
ICNS = [(b"icp4", 16), (b"icp5", 32), (b"ic07", 128), (b"ic08", 256), (b"ic09", 512), (b"ic10", 1024),
        (b"ic11", 32), (b"ic12", 64), (b"ic13", 256), (b"ic14", 512)]
ICO = [16, 24, 32, 48, 64, 256]


def png(size):
    command = ["rsvg-convert", "-w", str(size), "-h", str(size), HERE / "mark.svg"]
    return subprocess.run(command, check=True, capture_output=True).stdout


def icns():
    parts = b"".join(kind + struct.pack(">I", 8 + len(data)) + data for kind, data in ((k, png(s)) for k, s in ICNS))
    return b"icns" + struct.pack(">I", 8 + len(parts)) + parts


def ico():
    images = [(size, png(size)) for size in ICO]
    header = struct.pack("<HHH", 0, 1, len(images))
    at = len(header) + 16 * len(images)
    entries = b""
    for size, data in images:
        entries += struct.pack("<BBBBHHII", size % 256, size % 256, 0, 0, 1, 32, len(data), at)
        at += len(data)
    return header + entries + b"".join(data for _, data in images)


for name, size in PNG.items():
    (HERE / name).write_bytes(png(size))
(HERE / "icon.icns").write_bytes(icns())
(HERE / "icon.ico").write_bytes(ico())
