"""Hooks of mkdocs: the notes in ``experiments/`` are pages of the site, and links out of ``docs/`` lead to them.

Pages link to files as they lie in the repository (``../experiments/quickstart.md``), so that the same links work on the site
and where the repository is browsed.
"""

from __future__ import annotations

import re
from pathlib import Path

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

ROOT = Path(__file__).resolve().parents[1]
PUBLISHED = (".md", ".png", ".yaml", ".py")

_OUTWARD = re.compile(r"(?<=\]\()(?P<up>(?:\.\./)+)(?P<path>[^)\s#]+)")


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the experiments to the files of the site."""
    for path in sorted((ROOT / "experiments").iterdir()):
        if path.suffix in PUBLISHED:
            files.append(File.generated(config, f"experiments/{path.name}", abs_src_path=str(path)))
    return files


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Turn links out of ``docs/`` into links within the site, or into links to the repository."""
    depth = page.file.src_uri.count("/")

    def inward(found: re.Match[str]) -> str:
        up, path = found["up"].count("../"), found["path"]
        if up <= depth:
            return found[0]
        if path.startswith("experiments/") and path in files.src_uris:
            return "../" * depth + path
        return f"{str(config.repo_url).rstrip('/')}/blob/main/{path}"

    return markdown if page.file.src_uri.startswith("experiments/") else _OUTWARD.sub(inward, markdown)
