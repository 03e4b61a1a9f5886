"""The books mirror with faults, beside Scrapy: `race.py` of the tools, its figures against bounds."""

import re
import subprocess
import sys

from place import Row, Skipped, ended, last_line

SEEDS = "1,2,3"
LIMIT = 400


def race(place, name, kinds, ratio):
    tool = place.tool("race.py")
    archive = place.cases("sites", "books_toscrape", "site.tar.xz")
    if subprocess.run([sys.executable, "-c", "import scrapy"], capture_output=True).returncode != 0:
        raise Skipped("scrapy is not installed for this Python (pip install scrapy)")
    flags = ["--crawlfield", place.crawlfield, "--site", archive, "--seeds", SEEDS, "--limit", str(LIMIT), *kinds]
    told = ended([sys.executable, tool, *flags], 8 * LIMIT)
    (place.out / f"{name}.txt").write_text(told.out + told.err, encoding="utf-8")
    ours = re.findall(
        r"seed (\d+) crawlfield: ([\d.]+) s, (\d+) rows, (\d+) titles wrong, requests ([\d.]+) of necessary, (\S+) too early(.*)", told.out
    )
    wanted = len(SEEDS.split(","))
    if len(ours) != wanted:
        yield Row(f"{name}: runs", f"{len(ours)} of {wanted}: {last_line(told.err or told.out)}", f"{wanted}", False)
        return
    found = re.search(r"medians: ([\d.]+)", told.out)
    times = " ".join(f"{float(run[1]):.0f}" for run in ours)
    theirs = " ".join(f"{float(seconds):.0f}" for seconds in re.findall(r"scrapy: ([\d.]+) s", told.out))
    measured = float(found.group(1)) if found else float("inf")
    yield Row(f"{name}: time over Scrapy's", f"{measured:.2f} ({times} s; Scrapy {theirs} s)", f"{ratio}", measured <= ratio)
    right = sum(run[3] == "0" and "MISSING" not in run[6] for run in ours)
    yield Row(f"{name}: seeds with every row right", f"{right} of {wanted}", f"{wanted} of {wanted}", right == wanted)
    most = max(float(run[4]) for run in ours)
    yield Row(f"{name}: requests over the necessary", f"{most:.2f}", "1.10", most <= 1.1)
    early = ", ".join(run[5] for run in ours)
    yield Row(f"{name}: asked for before its Retry-After", early, "0", all(run[5] == "0" for run in ours))


def beside_scrapy(place):
    """The race beside Scrapy without refusals (500, drop, time-out, truncate, reset), three seeds."""
    yield from race(place, "race", [], 0.4)


def beside_scrapy_with_refusals(place):
    """The race beside Scrapy with all kinds of faults, 429 and 503 among them, three seeds."""
    yield from race(place, "race-all", ["--kinds", "all"], 0.8)
