"""The command line in a terminal: narrow, without letters beyond ASCII, into `head`, and the viewer
where there is no display."""

import fcntl
import os
import pty
import re
import select
import signal
import struct
import subprocess
import termios
import time

from place import Row, ended, last_line, scratch

DEMO = ["run", "--demo", "--products", "400", "--latency-ms", "60"]
LIMIT = 180


class Glass:
    """What stands on a terminal: as much of its language as progress bars speak."""

    def __init__(self, columns):
        self.columns, self.lines, self.at = columns, [""], (0, 0)
        self.widest, self.rest = 0, ""

    def feed(self, text):
        text = self.rest + text
        self.rest = ""
        for part in re.split(r"(\x1b\[[0-9;?]*[A-Za-z]|[\r\n])", text):
            self.take(part)

    def take(self, part):
        row, column = self.at
        code = re.fullmatch(r"\x1b\[([0-9;?]*)([A-Za-z])", part)
        if "\x1b" in part and not code:
            # The rest of it comes with the next piece.
            part, self.rest = part[: part.index("\x1b")], part[part.index("\x1b") :]
        if part == "\r":
            self.at = (row, 0)
        elif part == "\n":
            self.go(row + 1, column)
        elif code:
            self.obey(code.group(2), code.group(1))
        else:
            self.write(part)

    def go(self, row, column):
        self.at = (max(0, row), max(0, column))
        while len(self.lines) <= self.at[0]:
            self.lines.append("")

    def obey(self, verb, number):
        row, column = self.at
        count = int(number) if number.isdigit() else 1
        if verb in "AB":
            self.go(row + (count if verb == "B" else -count), column)
        elif verb in "CD":
            self.go(row, column + (count if verb == "C" else -count))
        elif verb == "G":
            self.go(row, count - 1)
        elif verb == "K":
            self.lines[row] = "" if number == "2" else self.lines[row][:column]
        elif verb == "J":
            self.lines[row] = self.lines[row][:column]
            del self.lines[row + 1 :]

    def write(self, text):
        for letter in text:
            row, column = self.at
            if column >= self.columns:
                self.go(row + 1, 0)
                row, column = self.at
            line = self.lines[row].ljust(column)
            self.lines[row] = line[:column] + letter + line[column + 1 :]
            self.at = (row, column + 1)

    def shown(self):
        return "\n".join(self.lines[-24:])


def on_terminal(command, columns, environment, limit):
    """Runs on a terminal of its own: exit code, all bytes, and what stood there each half second."""
    pid, terminal = pty.fork()
    if pid == 0:
        try:
            fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
            os.execve(command[0], [str(word) for word in command], environment)
        finally:
            os._exit(127)
    glass, said, pictures = Glass(columns), b"", []
    began = told = time.monotonic()
    while time.monotonic() - began < limit:
        ready, _, _ = select.select([terminal], [], [], 0.1)
        if ready:
            try:
                piece = os.read(terminal, 65536)
            except OSError:
                piece = b""
            if not piece:
                break
            said += piece
            glass.feed(piece.decode("utf-8", "replace"))
        if time.monotonic() - told > 0.5:
            told = time.monotonic()
            pictures.append(glass.shown())
    else:
        os.kill(pid, signal.SIGKILL)
    _, status = os.waitpid(pid, 0)
    os.close(terminal)
    return os.waitstatus_to_exitcode(status), said, pictures


def environment(**more):
    kept = {name: value for name, value in os.environ.items() if not name.startswith("LC_") and name not in ("DISPLAY", "WAYLAND_DISPLAY", "WAYLAND_SOCKET", "COLUMNS")}
    return {**kept, "LANG": "C.UTF-8", "TERM": "xterm-256color", **more}


def narrow(place):
    """A terminal of 40 columns: the ETA and the counts are seen while it runs."""
    with scratch() as folder:
        command = [str(place.crawlfield), *DEMO, "--store", str(folder / "demo.db")]
        code, _, pictures = on_terminal(command, 40, environment(), LIMIT)
    (place.out / "narrow.txt").write_text(("\n" + "-" * 40 + "\n").join(pictures), encoding="utf-8")
    # At both ends there is no forecast yet, or none any more.
    middle = pictures[len(pictures) // 4 : max(len(pictures) * 3 // 4, 1)]
    eta = sum(bool(re.search(r"\d+ ?(s|sec|min|m|h)\b[^\n]*\bleft\b|\bETA\b[^\n]*\d|\bleft\b[^\n]*\d ?(s|min|h)\b", one)) for one in middle)
    counts = sum(bool(re.search(r"\d+ ?(/|of) ?\d+", one)) for one in middle)
    wanted = len(middle)
    yield Row("narrow: exit", str(code), "0", code == 0)
    yield Row("narrow: the ETA is seen at 40 columns", f"{eta} of {wanted}", "all", wanted > 0 and eta == wanted)
    yield Row("narrow: counts are seen at 40 columns", f"{counts} of {wanted}", "all", wanted > 0 and counts == wanted)


def plain_letters(place):
    """LANG=C: the progress view draws in ASCII."""
    with scratch() as folder:
        command = [str(place.crawlfield), *DEMO, "--store", str(folder / "demo.db")]
        code, said, pictures = on_terminal(command, 100, environment(LANG="C", LC_ALL="C"), LIMIT)
    (place.out / "ascii.txt").write_bytes(said)
    beyond = sorted({letter for letter in said.decode("utf-8", "replace") if ord(letter) > 127})
    told = f"{len(beyond)} kinds of other letters" + (f": {' '.join(beyond[:12])}" if beyond else "")
    yield Row("ascii: letters beyond ASCII with LANG=C", told, "none", code == 0 and not beyond and bool(pictures))


def export_into_head(place):
    """`export … | head -n 1`: ends quietly with exit 0."""
    with scratch() as folder:
        store = folder / "demo.db"
        ran = place.run("run", "--demo", "--products", "1500", "--latency-ms", "0", "--error-rate", "0", "--store", store, limit=LIMIT)
        if ran.code != 0:
            yield Row("head: a store to export from", f"exit {ran.code}: {last_line(ran.err)}", "exit 0", False)
            return
        for form in ("jsonl", "csv"):
            export = subprocess.Popen(
                [place.crawlfield, "export", "--store", store, "--record", "product", "--format", form],
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
            )
            first = export.stdout.readline()
            export.stdout.close()
            said = export.stderr.read().decode("utf-8", "replace")
            code = export.wait(60)
            told = f"exit {code}, " + (f"says: {last_line(said)}" if said.strip() else "quiet")
            yield Row(f"head: export {form} into head", told, "exit 0, quiet", code == 0 and not said.strip() and bool(first))


def without_display(place):
    """The viewer without a display: says so in one line, and runs the demo in the terminal."""
    with scratch() as folder:
        told = ended([place.viewer], 300, env=environment(TMPDIR=str(folder)), cwd=folder)
    said = [line for line in told.err.splitlines() if "no display" in line]
    names = len(said) == 1 and "crawlfield run --demo" in said[0]
    yield Row("no-display: says what is missing and the command", said[0][:90] if said else last_line(told.err), "one line", names)
    outcome = f"exit {told.code}, {last_line(told.out)[:70]}, {told.seconds:.0f} s"
    yield Row("no-display: the demo runs to its end in the terminal", outcome, "exit 0, completed", told.code == 0 and "completed" in told.out)
