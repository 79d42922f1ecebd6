"""Sphinx extension: the addresses of the repository and of the site, found and never typed.

On GitHub they come from the environment, elsewhere from the git remote, so that a fork publishes
with no edit. Where there is neither, a page has no launch button, no canonical address and no
sentence that invites to them. What stands below ``{only} published`` needs the repository, a map of
the site for crawlers the site's address.
"""

import os
import re
import subprocess
from html import escape
from pathlib import Path
from typing import NamedTuple

from sphinx.util import logging

logger = logging.getLogger(__name__)

REMOTE = re.compile(
    r"(?:https://(?:[^@/]+@)?|(?:ssh://)?git@)github\.com[/:]([\w.-]+/[\w.-]+?)(?:\.git)?/?"
)


class Addresses(NamedTuple):
    """The repository on GitHub with its branch, and the site; each is empty where unknown."""

    repository: str = ""
    branch: str = ""
    site: str = ""

    def __str__(self):
        if self.repository:
            return f"The site is for {self.site}, its launch buttons open {self.repository}."
        return (
            "The site has no launch buttons: neither GITHUB_REPOSITORY nor a remote on GitHub says "
            f"where its repository is. Its canonical address: {self.site or 'none'}."
        )


def find_addresses(root, environment=os.environ):
    """
    Find the addresses of a checkout.

    Parameters
    ----------
    root : pathlib.Path
        The folder of the project.
    environment : mapping, optional
        GitHub sets `GITHUB_REPOSITORY` and `GITHUB_REF_NAME`; `BOOK_ADDRESS` is for a site that
        is not published at GitHub's own address.

    Returns
    -------
    Addresses
        What is known.
    """
    place, branch = environment.get("GITHUB_REPOSITORY", ""), ""
    if place and environment.get("GITHUB_REF_TYPE") == "branch":
        branch = environment["GITHUB_REF_NAME"]
    elif not place and _git(root, "rev-parse", "--show-prefix") == "":
        match = REMOTE.fullmatch(_git(root, "remote", "get-url", "origin") or "")
        place = match[1] if match else ""
        head = _git(root, "symbolic-ref", "--short", "refs/remotes/origin/HEAD") or ""
        branch = head.removeprefix("origin/")
    site = environment.get("BOOK_ADDRESS", "")
    if place and not site:
        owner, name = place.split("/")
        host = f"{owner.lower()}.github.io"
        site = f"https://{host}/" + ("" if name.lower() == host else f"{name}/")
    if site and not site.endswith("/"):
        site += "/"
    if not place:
        return Addresses(site=site)
    return Addresses(f"https://github.com/{place}", branch or "main", site)


def _git(root, *words):
    """Give what git says, or None: there may be no git, no repository or no remote."""
    try:
        done = subprocess.run(["git", "-C", str(root), *words], capture_output=True, text=True)
    except OSError:
        return None
    return done.stdout.strip() if done.returncode == 0 else None


def put_in(app, config):
    """Give Sphinx and the theme the addresses."""
    found = find_addresses(Path(app.confdir))
    logger.info("%s", found)
    config.html_baseurl = found.site
    options = {"repository_url": found.repository, "repository_branch": found.branch}
    if found.repository:
        app.tags.add("published")
    else:
        options["launch_buttons"] = {}
    config.html_theme_options = {**config.html_theme_options, **options}


def write_map(app, exception):
    """Write the list of the pages for crawlers, whole addresses as they need; or none."""
    if exception or app.builder.name != "html":
        return
    base, out = app.config.html_baseurl, Path(app.outdir)
    uris = [base + app.builder.get_target_uri(name) for name in sorted(app.env.found_docs)]
    places = "\n".join(f"<url><loc>{escape(uri)}</loc></url>" for uri in uris)
    files = {
        "sitemap.xml": '<?xml version="1.0" encoding="utf-8"?>\n'
        f'<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">\n{places}\n</urlset>\n',
        "robots.txt": f"User-agent: *\nAllow: /\nSitemap: {base}sitemap.xml\n",
    }
    for name, text in files.items():
        if base:
            (out / name).write_text(text, encoding="utf-8")
        else:
            (out / name).unlink(missing_ok=True)


def setup(app):
    """Register with Sphinx."""
    app.connect("config-inited", put_in)
    app.connect("build-finished", write_map)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}


if __name__ == "__main__":
    print(find_addresses(Path(__file__).parent.parent))
