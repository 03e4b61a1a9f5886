"""The window itself, judged by what is on the screen."""

import contextlib
import os
import subprocess
import time

from place import Row, end, scratch, until
from screen import compositor, missing, save, screen

STARTS = 10
# Seconds after the process starts by which every panel stands.
SOON = 2.0
STEP = 0.1


@contextlib.contextmanager
def viewer(place, environment, scratch, *flags):
    """A window on the demo, without a flag on its story; its files go with the scratch folder."""
    log = open(place.out / "viewer.log", "a", encoding="utf-8")
    child = subprocess.Popen(
        [place.viewer, "--window", *flags],
        env={**environment, "TMPDIR": str(scratch)},
        cwd=scratch,
        stdin=subprocess.DEVNULL,
        stdout=log,
        stderr=log,
    )
    try:
        yield child
    finally:
        end(child)
        log.close()


def start(place, display, environment, folder, path):
    """One start: what lacks after two seconds and a while later, and when all stood first."""
    seen = []
    began = time.monotonic()
    with viewer(place, environment, folder):
        while (now := time.monotonic() - began) < SOON:
            seen.append((now, display.grab()))
            time.sleep(max(0.0, min(STEP, SOON - (time.monotonic() - began))))
        at_two = display.grab()
        later = []
        for _ in range(5):
            time.sleep(0.23)
            later.append(display.grab())
    save(at_two, path)
    # Looked at afterwards: while it starts, the cores are the viewer's.
    lacking = missing(at_two)
    for grab in later:
        lacking += [name for name in missing(grab) if name not in lacking]
    first = next((at for at, grab in seen if not missing(grab)), None)
    return lacking, first


def starts(place, name, display, environment, folder):
    good, firsts, lacks = 0, [], set()
    for number in range(1, STARTS + 1):
        lacking, first = start(place, display, environment, folder, place.out / f"{name}-{number:02}.png")
        good += not lacking
        firsts.append(first)
        lacks.update(lacking)
    told = f"{good} of {STARTS}"
    if lacks:
        told += f", lacking: {', '.join(sorted(lacks))}"
    yield Row(f"{name}: all panels 2 s after the start, and kept", told, f"{STARTS} of {STARTS}", good == STARTS)
    known = sorted(first for first in firsts if first is not None)
    slowest = f"{known[-1]:.1f} s" if len(known) == STARTS else "over 2 s"
    middle = f"{known[len(known) // 2]:.1f} s" if known else "over 2 s"
    yield Row(f"{name}: first seen, median and slowest", f"{middle}, {slowest}", f"{SOON:.0f} s", len(known) == STARTS)


def starts_on_x(place):
    """Ten starts of the release window on X: every panel on the screen after 2 s."""
    with scratch() as folder, screen(folder) as display:
        yield from starts(place, "start-x", display, display.environment(), folder)


def starts_on_wayland(place):
    """Ten starts on Wayland, under weston."""
    with scratch() as folder, scratch() as runtime, screen(folder) as display:
        with compositor(display, runtime) as environment:
            yield from starts(place, "start-wayland", display, environment, folder)


def cores(pid, seconds):
    """Cores that a process keeps busy over a while."""

    def spent():
        with open(f"/proc/{pid}/stat", encoding="utf-8") as file:
            after_name = file.read().rsplit(")", 1)[1].split()
        return sum(map(int, after_name[11:13])) / os.sysconf("SC_CLK_TCK")

    before, began = spent(), time.monotonic()
    time.sleep(seconds)
    return (spent() - before) / (time.monotonic() - began)


def pictures(display, count, limit):
    """So many grabs that differ from one another, one after the other."""
    before, seen, began = display.grab(), [], time.monotonic()
    while len(seen) < count and time.monotonic() - began < limit:
        now = display.grab()
        if now != before:
            seen.append(now)
            before = now
        time.sleep(0.15)
    return seen


def is_still(display, seconds, limit):
    """Waits until the screen does not change for a while."""
    began = since = time.monotonic()
    before = display.grab()
    while time.monotonic() - since < seconds:
        if time.monotonic() - began > limit:
            return False
        time.sleep(0.25)
        now = display.grab()
        if now != before:
            before, since = now, time.monotonic()
    return True


def title(display):
    window = display.ask("search", "--onlyvisible", "--class", "crawlfield-viewer").split("\n")[0]
    return display.ask("getwindowname", window) if window else ""


def whole_run(place):
    """A whole run in the window: panels in twenty pictures, paused, and after the end."""
    with scratch() as folder, screen(folder) as display:
        with viewer(place, display.environment(), folder, "--demo", "--latency-ms", "100") as child:
            until(lambda: not missing(display.grab()), 30)
            busy = cores(child.pid, 5)
            seen = pictures(display, 20, 60)
            whole = sum(not missing(grab) for grab in seen)
            yield Row("run: pictures with all panels while it runs", f"{whole} of {len(seen)}", "20 of 20", whole == 20)
            yield Row("run: cores while it runs", f"{busy:.2f}", "", True)
            display.ask("search", "--class", "crawlfield-viewer", "windowfocus", "--sync")
            display.ask("key", "space")
            until(lambda: "paused" in title(display), 30)
            yield from resting(place, display, child, "paused")
            display.ask("key", "space")
            is_over = until(lambda: "completed" in title(display), 300, 0.5)
            yield Row("run: comes to its end", title(display), "completed", is_over)
            yield from resting(place, display, child, "ended")


def resting(place, display, child, when):
    still = is_still(display, 3, 60)
    grab = display.grab()
    save(grab, place.out / f"run-{when}.png")
    lacking = missing(grab)
    told = "all" if not lacking else f"lacking: {', '.join(lacking)}"
    yield Row(f"run: panels at rest, {when}", told if still else f"never at rest; {told}", "all", still and not lacking)
    idle = cores(child.pid, 10)
    yield Row(f"run: cores at rest, {when}", f"{idle:.3f}", "0.02", idle <= 0.02)


def first_minute(place):
    """The story of the demo as pictures to its end: minute-*.png; look at them."""
    seconds = [1, 2, 3, 5, 8, 12, 16, 20, 25, 30, 40, 50, 60]
    whole, wanted, lacks = 0, 0, set()
    with scratch() as folder, screen(folder) as display:
        began = time.monotonic()
        with viewer(place, display.environment(), folder):
            for second in seconds:
                time.sleep(max(0.0, began + second - time.monotonic()))
                grab = display.grab()
                save(grab, place.out / f"minute-{second:02}.png")
                if second >= SOON:
                    lacking = missing(grab)
                    wanted, whole = wanted + 1, whole + (not lacking)
                    lacks.update(lacking)
            is_over = until(lambda: "completed" in title(display), 90, 0.5)
            took = time.monotonic() - began
            save(display.grab(), place.out / "minute-end.png")
    yield Row("minute: the story comes to its end", f"{took:.0f} s" if is_over else title(display), "60 to 90 s", is_over and 55 <= took <= 95)
    told = f"{whole} of {wanted}" + (f", lacking: {', '.join(sorted(lacks))}" if lacks else "")
    yield Row("minute: pictures with all panels", told, f"{wanted} of {wanted}", whole == wanted)
