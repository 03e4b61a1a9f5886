"""Where things are, and the pieces that every check uses: rows, limits, processes."""

import collections
import contextlib
import json
import os
import shutil
import subprocess
import tempfile
import time
from pathlib import Path

Row = collections.namedtuple("Row", "line measured bound holds")
Ended = collections.namedtuple("Ended", "code out err seconds")


class Skipped(Exception):
    """This machine lacks what a check needs."""


class Place:
    def __init__(self, root, programs, cases, tools, out):
        self.root = root
        self.crawlfield = Path(programs).resolve() / "crawlfield"
        self.viewer = Path(programs).resolve() / "crawlfield-viewer"
        self._cases, self._tools = cases, tools
        self.out = Path(out).resolve()
        self.load = os.getloadavg()[0]

    def lacking(self):
        """What must be there before anything can be measured; nothing where all is."""
        for program in (self.crawlfield, self.viewer):
            if not program.exists():
                return f"{program} is not there: cargo build --release --workspace --locked, or name its folder with --bin"
        self.out.mkdir(parents=True, exist_ok=True)
        return None

    def cases(self, *parts):
        if not self._cases:
            raise Skipped("neither --cases nor CRAWLFIELD_CASES names the folder of cases")
        path = Path(self._cases).resolve().joinpath(*parts)
        if not path.exists():
            raise Skipped(f"{path} is not there")
        return path

    def tool(self, name):
        if not self._tools:
            raise Skipped("neither --tools nor CRAWLFIELD_TOOLS names the folder of tools")
        path = Path(self._tools).resolve() / name
        if not path.exists():
            raise Skipped(f"{path} is not there")
        return path

    def machine(self):
        version = subprocess.run([self.crawlfield, "--version"], capture_output=True, text=True).stdout.strip()
        return f"{version}, {os.cpu_count()} cores, load average {self.load:.1f} before, {os.getloadavg()[0]:.1f} after"

    def run(self, *words, limit=600, **more):
        """`crawlfield` to its end; code None where it took longer than `limit` seconds."""
        return ended([self.crawlfield, *map(str, words)], limit, **more)

    def rows(self, store, kind):
        """Exported records, decimals with the digits as written."""
        told = self.run("export", "--store", store, "--record", kind, "--format", "jsonl")
        return [json.loads(line, parse_float=str) for line in told.out.splitlines()]


def ended(command, limit, **more):
    began = time.monotonic()
    child = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, errors="replace", **more)
    try:
        out, err = child.communicate(timeout=limit)
        code = child.returncode
    except subprocess.TimeoutExpired:
        child.kill()
        out, err = child.communicate()
        code = None
    return Ended(code, out, err, time.monotonic() - began)


@contextlib.contextmanager
def scratch():
    """A folder that goes, whatever happens."""
    folder = Path(tempfile.mkdtemp(prefix="crawlfield-reality-"))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def needs(*programs):
    for program in programs:
        if shutil.which(program) is None:
            raise Skipped(f"{program} is not installed")


def until(true, limit, step=0.05):
    """Waits for a condition; whether it came in time."""
    began = time.monotonic()
    while not true():
        if time.monotonic() - began > limit:
            return False
        time.sleep(step)
    return True


def end(child, patience=10):
    """Ends a process of ours, politely first."""
    if child.poll() is None:
        child.terminate()
        try:
            child.wait(patience)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()


def document(text):
    """The result document of a run with `--json`; empty where there is none."""
    for line in text.splitlines():
        with contextlib.suppress(ValueError):
            return json.loads(line)
    return {}


def last_line(text):
    lines = text.strip().splitlines()
    return lines[-1][:160] if lines else "nothing said"
