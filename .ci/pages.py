#!/usr/bin/env python3
"""Looks at every public page in a real browser: accessibility, security headers, cookies, links, foreign requests.

    .ci/pages.py target/debug/local [chromium]

Plays the demo with a small list on a free port, walks from its pages in both languages over every link and form that a
person meets (legal texts and their versions, /trust, unsubscribing, a report of abuse, a request about rights from the form to the
data), and runs axe-core on each, on a wide screen and on a narrow one, light and dark. Ends with status 1 when anything is wrong.
"""

import base64
import json
import re
import shutil
import subprocess
import sys
import urllib.request
from datetime import datetime, timedelta
from email import message_from_bytes, policy
from urllib.parse import quote, urldefrag, urljoin, urlsplit

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import sync_playwright

# WCAG 2.2 AA, and what axe-core calls best practice beside.
RULES = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}
SCREENS = [
    {"viewport": {"width": 1280, "height": 900}, "color_scheme": "light"},
    {"viewport": {"width": 320, "height": 640}, "color_scheme": "dark"},
]
HEADERS = {
    "content-security-policy": r"default-src 'none'(?!.*unsafe).*frame-ancestors 'none'",
    "x-content-type-options": r"^nosniff$",
    "referrer-policy": r"^(no-referrer|same-origin)$",
    "strict-transport-security": r"max-age=\d{8}",
}
# Strictly necessary ones (A55), by name. The pages need none, so none may be set.
COOKIES: set[str] = set()


class Walk:
    def __init__(self, browser, origin):
        self.browser, self.origin, self.axe = browser, origin, Axe()
        self.seen, self.queue, self.wrong = set(), [], []

    def run(self, starts):
        self.queue = list(starts)
        while self.queue:
            self.visit(self.queue.pop(0))

    def visit(self, path):
        path = urldefrag(path)[0]
        if path in self.seen:
            return
        self.seen.add(path)
        for screen in SCREENS:
            with self.context(screen) as context:
                page = self.page(context, path)
                answer = page.goto(self.origin + path)
                self.look(page, path, answer)

    def context(self, screen):
        # The policy of the pages forbids scripts, axe-core's too.
        return self.browser.new_context(bypass_csp=True, locale="fr-FR", **screen)

    def page(self, context, path):
        page = context.new_page()
        page.on("request", lambda request: self.fits(request.url, path))
        page.on("response", lambda answer: self.cookies(answer, path))
        page.on("pageerror", lambda error: self.say(path, f"error in the page: {error}"))
        return page

    def fits(self, url, path):
        if not url.startswith((self.origin, "data:")):
            self.say(path, f"asks {url}, which is not ours")

    def cookies(self, answer, path):
        for header in answer.headers_array():
            name = header["value"].split("=")[0]
            if header["name"].lower() == "set-cookie" and name not in COOKIES:
                self.say(path, f"sets the cookie {name}")

    def look(self, page, path, answer):
        """Everything that can be seen of one page."""
        if not answer.headers.get("content-type", "").startswith("text/html"):
            if answer.headers.get("x-content-type-options") != "nosniff":
                self.say(path, "may be taken for a page")
            return
        for name, pattern in HEADERS.items():
            if not re.search(pattern, answer.headers.get(name, "")):
                self.say(path, f"{name} is {answer.headers.get(name)!r}")
        for violation in self.axe.run(page, options=RULES).response["violations"]:
            where = "; ".join(node["html"][:120] for node in violation["nodes"][:3])
            self.say(path, f"{violation['id']} ({violation['impact']}): {violation['help']}: {where}")
        # Reflow (WCAG 1.4.10): only what scrolls inside itself may be wider than the screen.
        if page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth"):
            self.say(path, f"is wider than a screen of {page.viewport_size['width']}")
        if page.evaluate("document.scripts.length"):
            self.say(path, "holds a script")
        for link in page.eval_on_selector_all("a[href]", "all => all.map(a => a.getAttribute('href'))"):
            target = urljoin(self.origin + path, link)
            if target.startswith(self.origin) and not urlsplit(target).path.startswith("/_local"):
                self.queue.append(target.removeprefix(self.origin))

    def click(self, page, path, selector):
        """Sends a form, and looks at the page that answers."""
        with page.expect_navigation() as navigated:
            page.click(selector)
        self.look(page, path, navigated.value)
        return page.url.removeprefix(self.origin)

    def say(self, path, what):
        path = re.sub(r"(/u/|/proof/|/access/|/identity/)[^/?]+", r"\1…", path)
        if (path, what) not in self.wrong:
            self.wrong.append((path, what))
            print(f"  ✗ {path}: {what}", flush=True)


def mails(origin, query):
    """What the local mailbox holds, oldest first."""
    request = urllib.request.Request(f"{origin}/_local/mailbox?{query}", headers={"accept": "application/json"})
    with urllib.request.urlopen(request) as answer:
        return json.load(answer)


def read(mail):
    return message_from_bytes(base64.b64decode(mail["raw_base64"]), policy=policy.default)


def newest_text(origin, to):
    return read(mails(origin, f"q={quote(to)}")[-1]).get_body(("plain",)).get_content()


def held(origin):
    """Somebody who was written to, and whom a Sender therefore holds."""
    campaign = (mail for mail in reversed(mails(origin, "limit=1000")) if read(mail)["List-Unsubscribe"])
    return next(campaign)["envelope_to"][0]


def about_abuse(walk, origin):
    """Reports something: the form as it is refused, and as it is taken."""
    for lang in ("fr", "en"):
        with walk.context(SCREENS[0]) as context:
            path = f"/abuse?lang={lang}"
            page = walk.page(context, path)
            page.goto(origin + path)
            page.eval_on_selector("form", "form => form.noValidate = true")
            walk.click(page, path, "button[type=submit]")
            page.goto(origin + path)
            page.select_option("#kind", "unlawful_list")
            page.fill("#message", "Ils ont acheté une liste.")
            walk.click(page, path, "button[type=submit]")


def about_rights(walk, origin, person):
    """Asks, proves the mailbox, reads the data: every page on the way."""
    for lang in ("fr", "en"):
        with walk.context(SCREENS[0]) as context:
            path = f"/rights?lang={lang}"
            page = walk.page(context, path)
            page.goto(origin + path)
            page.fill("#email", "pas une adresse")
            page.eval_on_selector("form", "form => form.noValidate = true")
            walk.click(page, path, "button[type=submit]")
            page.goto(origin + path)
            page.fill("#email", person)
            page.select_option("#kind", "access")
            walk.click(page, path, "button[type=submit]")
            proof = re.search(r"/rights/proof/\S+", newest_text(origin, person))[0]
            walk.visit(proof)
            page.goto(origin + proof)
            walk.click(page, proof, "button[type=submit]")
            access = page.get_attribute("a[href^='/rights/access/']", "href")
            walk.visit(access)
            page.goto(origin + access)
            walk.click(page, access, "button[value=page]")
            page.goto(origin + access)
            walk.click(page, access, "button[value=page]")  # The second time it is over.


def post(url, body):
    headers = {"accept": "application/json", "content-type": "application/json"}
    with urllib.request.urlopen(urllib.request.Request(url, json.dumps(body).encode(), headers)) as answer:
        return json.load(answer)


def clock(origin):
    with urllib.request.urlopen(f"{origin}/_local/clock") as answer:
        return datetime.fromisoformat(json.load(answer)["now"])


def doubted(walk, origin):
    """Staff doubts who wrote a letter; the person sends a wrong file, then a copy."""

    def desk(**order):
        now = clock(origin).strftime("%Y-%m-%dT%H:%M:%SZ")
        return post(f"{origin}/_local/lambda/2015-03-31/functions/rights/invocations", {"time": now, **order})

    person = "doubted@example.org"
    received = clock(origin).strftime("%Y-%m-%dT%H:%M:%SZ")
    letter = {"channel": "post", "kind": "access", "email": person, "received_at": received}
    request = desk(enter=letter)["request"]
    desk(doubt={"request": request, "reason": "La signature n'est pas celle d'avant."})
    link = re.search(r"/rights/identity/\S+", newest_text(origin, person))[0]
    walk.visit(link)
    with walk.context(SCREENS[1]) as context:
        page = walk.page(context, link)
        for name, content in (("note.txt", b"not a copy"), ("copy.png", b"\x89PNG\r\n\x1a\n" + b"0" * 64)):
            page.goto(origin + link)
            page.set_input_files("input[type=file]", {"name": name, "mimeType": "image/png", "buffer": content})
            walk.click(page, link, "button[type=submit]")


def erased(walk, origin, person):
    """Has somebody erased, and looks at the certificate, which is there once no file is on its way any more."""
    post(f"{origin}/rights", {"email": person, "kind": "erasure"})
    proof = re.search(r"/rights/proof/\S+", newest_text(origin, person))[0]
    request = post(origin + proof, {})["certificate"]
    post(f"{origin}/_local/clock", {"now": (clock(origin) + timedelta(days=2)).isoformat()})
    for lang in ("fr", "en"):
        walk.visit(f"/rights/certificates/{request}?lang={lang}")


def unsubscribing(walk, origin, link):
    walk.visit(link)
    with walk.context(SCREENS[1]) as context:
        page = walk.page(context, link)
        page.goto(origin + link)
        walk.click(page, link, "button[type=submit]")


def main():
    program = sys.argv[1]
    chromium = sys.argv[2] if len(sys.argv) > 2 else shutil.which("chromium")
    demo = subprocess.Popen([program, "demo", "--rows", "300"], stdout=subprocess.PIPE, text=True)
    try:
        story = []
        for line in demo.stdout:
            story.append(line)
            if line.startswith("Serving until"):
                break
        else:
            sys.exit("the demo did not serve:\n" + "".join(story))
        unsubscribe = re.search(r"an unsubscribe +(https?://[^/\s]+)(/u/\S+)", "".join(story))
        origin, link = unsubscribe[1], unsubscribe[2]
        with sync_playwright() as play:
            browser = play.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
            walk = Walk(browser, origin)
            pages = ["privacy", "prospects-privacy", "terms", "dpa", "cookies", "subprocessors", "notice"]
            walk.run(f"{path}?lang={lang}" for lang in ("fr", "en") for path in [f"/legal/{p}" for p in pages] + ["/trust", "/rights", "/abuse"])
            walk.run(["/legal/nothing", "/u/nonsense"])
            walk.run([f"/rights/{page}/nonsense" for page in ("proof", "access", "identity")])
            unsubscribing(walk, origin, link)
            about_abuse(walk, origin)
            about_rights(walk, origin, held(origin))
            erased(walk, origin, held(origin))
            doubted(walk, origin)
            walk.run([])
            browser.close()
        print(f"{len(walk.seen)} pages on {len(SCREENS)} screens; {len(walk.wrong)} things wrong.")
        sys.exit(1 if walk.wrong else 0)
    finally:
        demo.terminate()
        demo.wait()


if __name__ == "__main__":
    main()
