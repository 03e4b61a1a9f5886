"""Runs that are stopped and killed half way, on a shop of our own on the loopback."""

import collections
import contextlib
import http.server
import re
import signal
import subprocess
import threading
import time

from place import Row, document, end, last_line, scratch, until

SITE = """[site]
name = "shop"
start = ["http://127.0.0.1:{port}/list"]
enter = "list"
[politeness]
max_rate = "10000/s"
max_in_flight = 4
allow_addresses = ["127.0.0.0/8"]
[stages.list]
[[stages.list.links]]
select = "a.item@href"
to = "detail"
[stages.detail]
[[stages.detail.records]]
kind = "item"
[stages.detail.records.fields]
title = {{ select = "h1", required = true }}
text = "p"
"""
TEXT = "A thing that is sold here, and told about at some length. " * 20


class Shop:
    """One list, and items that take a moment; with `cookie` an item is for those who have read the
    list in the same session."""

    def __init__(self, items, cookie=False):
        self.items, self.cookie = items, cookie
        self.asked, self.refused = collections.Counter(), 0
        self.lock = threading.Lock()

    def answer(self, path, cookies):
        with self.lock:
            self.asked[path] += 1
        if path == "/list":
            links = "".join(f'<a class="item" href="/item/{n}">{n}</a>' for n in range(self.items))
            return 200, f"<html><body><h1>All</h1>{links}</body></html>"
        found = re.fullmatch(r"/item/(\d+)", path)
        if not found:
            return 404, "<h1>Not found</h1>"
        time.sleep(0.03)
        if self.cookie and "sid=a-session" not in (cookies or ""):
            with self.lock:
                self.refused += 1
            return 403, "<h1>Read the list first</h1>"
        return 200, f"<html><body><h1>Item {found.group(1)}</h1><p>{TEXT}</p></body></html>"

    def served(self):
        with self.lock:
            return sum(path.startswith("/item/") for path in self.asked)


@contextlib.contextmanager
def served(shop):
    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self):
            status, page = shop.answer(self.path, self.headers.get("Cookie"))
            body = page.encode()
            self.send_response(status)
            self.send_header("Content-Type", "text/html; charset=utf-8")
            self.send_header("Content-Length", str(len(body)))
            if shop.cookie and self.path == "/list":
                self.send_header("Set-Cookie", "sid=a-session; Path=/; HttpOnly")
            self.end_headers()
            with contextlib.suppress(OSError):
                self.wfile.write(body)

        def log_message(self, *_):
            pass

    class Server(http.server.ThreadingHTTPServer):
        daemon_threads = True

        def handle_error(self, request, client_address):
            """A client that was killed hangs up without a word."""

    server = Server(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield server.server_address[1]
    finally:
        server.shutdown()
        server.server_close()


def ended_early(place, shop, port, folder, after, how):
    """A run that gets this signal when so many items were asked for; its exit code."""
    (folder / "site.toml").write_text(SITE.format(port=port), encoding="utf-8")
    child = subprocess.Popen(
        [place.crawlfield, "run", folder / "site.toml", "--store", folder / "shop.db"],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        if not until(lambda: shop.served() >= after or child.poll() is not None, 60, 0.01):
            raise RuntimeError("the crawl does not get under way")
        child.send_signal(how)
        return child.wait(60)
    finally:
        end(child)


def resumed(place, folder, name, items):
    """Rows of the table for a `resume` that must find every item."""
    told = place.run("resume", "--store", folder / "shop.db", "--json", limit=120)
    result = document(told.out)
    outcome = f"exit {told.code}, {result.get('dead', '?')} dead"
    if told.code not in (0, None):
        outcome += f": {last_line(told.err)}"
    yield Row(f"{name}: resume", outcome, "exit 0, 0 dead", told.code == 0 and result.get("dead") == 0)
    rows = place.rows(folder / "shop.db", "item")
    titles = collections.Counter(row["title"] for row in rows)
    wanted = collections.Counter(f"Item {n}" for n in range(items))
    right = sum((titles & wanted).values())
    told = f"{right} of {items}" + (f", {len(rows) - right} too many" if len(rows) > right else "")
    yield Row(f"{name}: rows", told, f"{items} of {items}", titles == wanted)


def stop_and_resume_with_a_cookie(place):
    """SIGINT half way and resume, on a shop whose items want the session cookie of its list."""
    shop = Shop(60, cookie=True)
    with scratch() as folder, served(shop) as port:
        code = ended_early(place, shop, port, folder, 15, signal.SIGINT)
        yield Row("cookie: stopped by SIGINT", f"exit {code}, {shop.served()} of 60 asked", "exit 5, not all", code == 5 and shop.served() < 60)
        yield from resumed(place, folder, "cookie", 60)
        yield Row("cookie: items refused for want of it", str(shop.refused), "0", shop.refused == 0)


def kill_and_resume(place):
    """SIGKILL half way and resume: nothing lost, nothing twice."""
    shop = Shop(300)
    with scratch() as folder, served(shop) as port:
        code = ended_early(place, shop, port, folder, 100, signal.SIGKILL)
        before = shop.served()
        yield Row("kill: killed half way", f"{before} of 300 asked", "not all", code == -signal.SIGKILL and before < 300)
        yield from resumed(place, folder, "kill", 300)
        again = sum(count - 1 for count in shop.asked.values() if count > 1)
        # What was in flight or not yet on disk; never what had been called done long before.
        yield Row("kill: pages asked for again", str(again), "40", again <= 40)
