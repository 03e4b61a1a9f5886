"""Three sites that nobody here wrote, a fifth of whose answers fail: every row against the truth."""

import collections
import contextlib
import json
import re
import subprocess
import sys
import urllib.parse

from place import Row, document, end, last_line, scratch

SEED = "7"
LIMIT = 600
# What the site files allow is meant for the live sites.
FAST = ["--set", "politeness.max_rate=1000/s", "--set", "politeness.max_in_flight=32"]


@contextlib.contextmanager
def faulty(place, archive, folder):
    """A saved site with faults; its port."""
    server = subprocess.Popen(
        [sys.executable, place.tool("faulty_server.py"), archive, "--port", "0", "--errors", "0.2", "--seed", SEED]
        + ["--log", folder / "asked.jsonl", "--for", str(LIMIT + 60)],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    try:
        yield int(re.search(r":(\d+)", server.stdout.readline()).group(1))
    finally:
        end(server)


def path_of(url):
    return urllib.parse.urlsplit(url).path.rstrip("/") or "/"


def words(value):
    """Fields carry text with its white space collapsed; the truth is as it was found."""
    return " ".join(value.split()) if isinstance(value, str) else value


def differing(row, truth, fields):
    return [field for field in fields if row.get(field) != words(truth.get(field))]


def books(rows, truth):
    same = ["title", "upc", "availability", "rating", "category", "product_type", "stock", "num_reviews", "description", "list_page", "position"]
    pages = {path_of(row["path"]): row for row in truth}
    for row in rows:
        book = pages.pop(path_of(row["_url"]), {})
        wrong = differing(row, book, same)
        for field in ("price", "price_excl_tax", "price_incl_tax", "tax"):
            if row[field] != str(book.get(field)).lstrip("£"):
                wrong.append(field)
        if row["list_price"] != row["price"] or row["list_title"] != words(book.get("title")) or row["currency"] != "GBP":
            wrong.append("list_price, list_title or currency")
        yield row["_url"], wrong
    yield from ((page, ["missing"]) for page in pages)


def quotes(rows, truth):
    def told(row, url, page):
        return json.dumps([row["text"], row["author"], path_of(row[url]), row["tags"], row[page]])

    wanted = collections.Counter(told(row, "author_path", "list_page") for row in truth)
    for row in rows:
        quote = told(row, "author_url", "page")
        yield quote[:60], [] if wanted[quote] > 0 else ["in no such quote"]
        wanted[quote] -= 1
    yield from ((quote[:60], ["missing"]) for quote, count in wanted.items() if count > 0)


def authors(rows, truth):
    pages = {path_of(row["path"]): row for row in truth}
    for row in rows:
        author = pages.pop(path_of(row["_url"]), {})
        wrong = differing(row, author, ["name", "born_date", "born_location", "description"])
        year = str(author.get("born_date")).rsplit(" ", 1)[-1]
        if not re.fullmatch(re.escape(year) + r"-\d\d-\d\d", row["born"] or ""):
            wrong.append("born")
        yield row["_url"], wrong
    yield from ((page, ["missing"]) for page in pages)


def paper_boxes(rows, truth):
    pages = collections.defaultdict(list)
    for row in truth:
        pages[path_of(row["path"])].append(row)
    for row in rows:
        cards = pages.pop(path_of(row["_url"]), [{}])
        wrong = differing(row, cards[0], ["title", "specs", "badges", "sections", "sku"])
        if row["name"] != cards[0].get("jsonld_name"):
            wrong.append("name")
        # The second start page begins a chain of its own, so its pages count from 1 too.
        carried = (row["list_title"], row["position"], row["list_page"])
        if carried not in [(c.get("list_title"), c.get("position"), max(1, c.get("list_page", 0) - 1)) for c in cards]:
            wrong.append("what its card carried")
        yield row["_url"], wrong
    yield from ((page, ["missing"]) for page in pages)


# Folder, host, site file, and a judge by kind of record with the file of its truth.
SITES = [
    ("books_toscrape", "books.toscrape.com", "assets/sites/books.toml", [("product", "expected_products.jsonl", books)]),
    (
        "quotes_toscrape",
        "quotes.toscrape.com",
        "assets/sites/quotes.toml",
        [("quote", "expected_quotes.jsonl", quotes), ("author", "expected_products.jsonl", authors)],
    ),
    ("bincai_hugo", "gdbcprint.com", "tests/command/paperboxes.toml", [("product", "expected_products.jsonl", paper_boxes)]),
]


def judged(site, kind, rows, truth, judge):
    findings = list(judge(rows, truth))
    wrong = [(what, fields) for what, fields in findings if fields]
    right = sum(not fields for _, fields in findings)
    told = f"{right} right"
    if wrong:
        told += f", {len(wrong)} not, as {wrong[0][0]}: {', '.join(wrong[0][1])}"
    return Row(f"sites: {site}, {kind}", told, "every row exact", bool(findings) and not wrong)


def three_sites(place):
    """The three sites of the cases with --errors 0.2: every row exact."""
    for name, host, file, judges in SITES:
        cases = place.cases("sites", name)
        with scratch() as folder, faulty(place, cases / "site.tar.xz", folder) as port:
            store = folder / "crawl.db"
            told = place.run(
                "run", place.root / file, "--store", store, "--json", "--connect-to", f"{host}=127.0.0.1:{port}", *FAST, limit=LIMIT
            )
            result = document(told.out)
            outcome = f"{told.seconds:.0f} s, exit {told.code}, {result.get('dead', '?')} dead"
            if told.code is None:
                outcome = f"not at its end after {LIMIT} s"
            elif told.code != 0:
                outcome += f": {last_line(told.err)}"
            yield Row(f"sites: {name}", outcome, "exit 0, 0 dead", told.code == 0 and result.get("dead") == 0)
            for kind, truth, judge in judges:
                with open(cases / truth, encoding="utf-8") as lines:
                    wanted = [json.loads(line) for line in lines]
                yield judged(name, kind, place.rows(store, kind), wanted, judge)
