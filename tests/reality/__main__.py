"""A stranger's day: the release build used as people use it, one table at the end.

Each line says what was measured, against which bound, and yes or NO; exit status 1 where a line
says NO. What this machine cannot run says SKIPPED and why, and counts as NO: nobody may take it
for done. Nothing leaves the loopback.
"""

import argparse
import os
import pathlib
import sys
import time

# No folders of compiled files among the sources.
sys.dont_write_bytecode = True

import racing
import sites
import stops
import terminal
import windows
from place import Place, Row, Skipped

CHECKS = {
    "start-x": windows.starts_on_x,
    "start-wayland": windows.starts_on_wayland,
    "run": windows.whole_run,
    "minute": windows.first_minute,
    "no-display": terminal.without_display,
    "head": terminal.export_into_head,
    "narrow": terminal.narrow,
    "ascii": terminal.plain_letters,
    "cookie": stops.stop_and_resume_with_a_cookie,
    "kill": stops.kill_and_resume,
    "sites": sites.three_sites,
    "race": racing.beside_scrapy,
    "race-all": racing.beside_scrapy_with_refusals,
}
ROOT = pathlib.Path(__file__).resolve().parents[2]


def arguments():
    target = os.environ.get("CARGO_TARGET_DIR", ROOT / "target")
    ask = argparse.ArgumentParser(
        prog="python3 tests/reality",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog="Build first: cargo build --release --workspace --locked",
    )
    ask.add_argument("--bin", type=pathlib.Path, default=pathlib.Path(target) / "release", help="folder of both programs [default: target/release]")
    ask.add_argument("--cases", type=pathlib.Path, default=os.environ.get("CRAWLFIELD_CASES"), help="folder of sites that nobody here wrote [default: $CRAWLFIELD_CASES]")
    ask.add_argument("--tools", type=pathlib.Path, default=os.environ.get("CRAWLFIELD_TOOLS"), help="folder with faulty_server.py and race.py [default: $CRAWLFIELD_TOOLS]")
    ask.add_argument("--out", type=pathlib.Path, default=pathlib.Path("reality"), help="where pictures, logs and the table are left [default: ./reality]")
    ask.add_argument("--only", action="append", metavar="NAME", help="this check alone; may be given again")
    ask.add_argument("--list", action="store_true", help="name the checks and end")
    return ask.parse_args()


def rows_of(name, check, place):
    """What a check measured; what it could not is a row too."""
    began = time.monotonic()
    print(f"… {name}", file=sys.stderr, flush=True)
    rows = []
    try:
        for row in check(place):
            rows.append(row)
            print(f"    {row.line}: {row.measured}", file=sys.stderr, flush=True)
    except Skipped as why:
        rows.append(Row(name, f"SKIPPED: {why}", "", False))
    except Exception as why:  # A check that breaks must not hide the others' rows.
        rows.append(Row(name, f"broke: {type(why).__name__}: {why}", "", False))
    print(f"  {name} took {time.monotonic() - began:.0f} s", file=sys.stderr, flush=True)
    return rows


def table(rows):
    cells = [("line", "measured", "bound", "")]
    cells += [(r.line, r.measured, r.bound, "yes" if r.holds else "NO") for r in rows]
    widths = [max(len(row[n]) for row in cells) for n in range(3)]
    lines = [f"{a:<{widths[0]}}  {b:<{widths[1]}}  {c:<{widths[2]}}  {d}".rstrip() for a, b, c, d in cells]
    wrong = [r.line for r in rows if not r.holds]
    lines.append("")
    lines.append(f"{len(rows) - len(wrong)} of {len(rows)} hold" + (f"; NO: {'; '.join(wrong)}" if wrong else ""))
    return "\n".join(lines)


def main():
    args = arguments()
    if args.list:
        for name, check in CHECKS.items():
            print(f"{name:14} {check.__doc__.splitlines()[0]}")
        return 0
    names = args.only or list(CHECKS)
    unknown = [name for name in names if name not in CHECKS]
    if unknown:
        print(f"no check is called {', '.join(unknown)}; there are {', '.join(CHECKS)}", file=sys.stderr)
        return 2
    place = Place(ROOT, args.bin, args.cases, args.tools, args.out)
    lacking = place.lacking()
    if lacking:
        print(lacking, file=sys.stderr)
        return 2
    began = time.monotonic()
    rows = [row for name in names for row in rows_of(name, CHECKS[name], place)]
    told = f"{place.machine()}\n\n{table(rows)}\n{(time.monotonic() - began) / 60:.0f} min"
    (place.out / "table.txt").write_text(told + "\n", encoding="utf-8")
    print(told)
    return 0 if all(row.holds for row in rows) else 1


if __name__ == "__main__":
    sys.exit(main())
