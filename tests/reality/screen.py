"""A display in memory, its pixels, and whether the viewer's panels stand in them."""

import collections
import contextlib
import os
import struct
import subprocess
import zlib

from place import end, needs, until

WIDTH, HEIGHT = 1280, 720
# Left, top, right, bottom of pixels that only this panel draws on.
PANELS = {
    "top bar": (4, 2, 1276, 32),
    "ETA strip": (216, 38, 1020, 104),
    "legend": (4, 38, 208, 684),
    "inspector": (1028, 38, 1276, 684),
    "below the field": (216, 522, 1020, 684),
    "time line": (216, 694, 1020, 718),
}
FIELD = (216, 110, 1020, 512)
# Behind text, and behind everything; the dark theme's.
PANEL, GROUND = (0x0F, 0x12, 0x18), (0x0B, 0x0D, 0x12)
INK = 120


class Screen:
    """Xvfb, which keeps its screen in a file."""

    def __init__(self, name, folder):
        self.name, self.folder = name, folder

    def grab(self):
        return (self.folder / "Xvfb_screen0").read_bytes()

    def ask(self, *words):
        told = subprocess.run(["xdotool", *words], env={**os.environ, "DISPLAY": self.name}, capture_output=True, text=True, timeout=60)
        return told.stdout.strip()

    def environment(self):
        kept = {name: value for name, value in os.environ.items() if name not in ("WAYLAND_DISPLAY", "WAYLAND_SOCKET")}
        return {**kept, "DISPLAY": self.name}


@contextlib.contextmanager
def screen(folder):
    needs("Xvfb", "xdotool")
    server = subprocess.Popen(
        ["Xvfb", "-displayfd", "1", "-screen", "0", f"{WIDTH}x{HEIGHT}x24", "-fbdir", str(folder)],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    try:
        yield Screen(":" + server.stdout.readline().strip(), folder)
    finally:
        end(server)


@contextlib.contextmanager
def compositor(on, folder):
    """Weston as a window that fills the screen; what a client of it needs to know."""
    needs("weston")
    folder.chmod(0o700)
    server = subprocess.Popen(
        ["weston", "--backend=x11-backend.so", "--shell=kiosk-shell.so", f"--width={WIDTH}", f"--height={HEIGHT}", "--idle-time=0", "--socket=crawlfield"],
        env={**on.environment(), "XDG_RUNTIME_DIR": str(folder)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        if not until((folder / "crawlfield").exists, 30):
            raise RuntimeError("weston opens no socket")
        there = on.environment()
        there.pop("DISPLAY")
        yield {**there, "XDG_RUNTIME_DIR": str(folder), "WAYLAND_DISPLAY": "crawlfield"}
    finally:
        end(server)


def pixels(grab):
    """Rows of pixels as bytes, blue first; the head is XWD's: big-endian words."""
    words = struct.unpack(">25I", grab[:100])
    head, width, height, row, colours = words[0], words[4], words[5], words[12], words[19]
    base = head + colours * 12
    return [grab[base + y * row : base + y * row + width * 4] for y in range(height)]


def counted(rows, area):
    """How often each colour stands in a part, as (red, green, blue)."""
    left, top, right, bottom = area
    found = collections.Counter()
    for y in range(top, bottom):
        found.update(memoryview(rows[y])[left * 4 : right * 4].cast("I").tolist())
    return {((word >> 16) & 255, (word >> 8) & 255, word & 255): n for word, n in found.items()}


def away(one, other):
    return max(abs(a - b) for a, b in zip(one, other))


def missing(grab):
    """Names of the panels that are not on the screen; the field among them where it is empty."""
    rows = pixels(grab)
    lacking = []
    for name, area in PANELS.items():
        colours = counted(rows, area)
        filled = sum(n for colour, n in colours.items() if away(colour, PANEL) <= 1)
        ink = sum(n for colour, n in colours.items() if away(colour, PANEL) > 60)
        if filled < 0.2 * sum(colours.values()) or ink < INK:
            lacking.append(name)
    field = counted(rows, FIELD)
    if sum(n for colour, n in field.items() if away(colour, GROUND) > 60) < INK:
        lacking.append("field")
    return lacking


def save(grab, path):
    """As a PNG."""

    def chunk(kind, data):
        body = kind + data
        return struct.pack(">I", len(data)) + body + struct.pack(">I", zlib.crc32(body))

    lines = []
    for row in pixels(grab):
        line = bytearray(len(row) // 4 * 3)
        line[0::3], line[1::3], line[2::3] = row[2::4], row[1::4], row[0::4]
        lines.append(b"\0" + bytes(line))
    head = struct.pack(">IIBBBBB", len(lines[0]) // 3, len(lines), 8, 2, 0, 0, 0)
    data = zlib.compress(b"".join(lines), 6)
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", data) + chunk(b"IEND", b""))
