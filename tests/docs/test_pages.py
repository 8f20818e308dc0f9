"""The pages of the documentation say everything that there is, and stay small where they should."""

from __future__ import annotations

import re
import tomllib

from doc_blocks import ROOT, pages

import discover
from discover.config.search_config import SearchConfig
from discover.contract.registry import Registry

_ELSEWHERE = re.compile(r"our list|\b[Ll]aw \d")
"""Words that refer to documents which are not in the repository."""


def text_of_page(page: str) -> str:
    return (ROOT / page).read_text(encoding="utf-8")


def test_the_readme_is_short() -> None:
    assert len(text_of_page("README.md").splitlines()) <= 120


def test_every_public_name_has_its_place_in_the_api_pages() -> None:
    api = "".join(text_of_page(page) for page in pages() if page.startswith("docs/api/"))
    written = re.findall(r"^(?:::: discover\.|### `)(\w+)`?$", api, re.MULTILINE)
    assert sorted(written) == sorted([*discover.__all__, "testing"])


def test_every_component_of_the_zoo_has_its_place_in_its_pages(registry: Registry) -> None:
    zoo = "".join(text_of_page(page) for page in pages() if page.startswith("docs/zoo/"))
    written = re.findall(r"^::: ([\w.]+)$", zoo, re.MULTILINE)
    classes = [entry.component for entry in registry.entries() if entry.component is not None]
    components = [f"{cls.__module__}.{cls.__qualname__}" for cls in classes if cls.__module__.startswith("discover_zoo.")]
    assert len(components) > 100
    assert sorted(written) == sorted(components)


def test_every_key_of_a_config_is_explained() -> None:
    headings = re.findall(r"^### `(\w+)`$", text_of_page("docs/configs.md"), re.MULTILINE)
    keys = {"time_limit": "time_limit_seconds", "starts": "init"}
    fields = {keys.get(name, name) for name in SearchConfig.__dataclass_fields__}
    assert sorted(headings) == sorted(fields - {"template", "words"} | {"candidate"})


def test_every_page_is_in_the_navigation() -> None:
    named = set(re.findall(r"([\w/]+\.md)$", text_of_page("mkdocs.yml"), re.MULTILINE))
    assert named == {page.removeprefix("docs/") for page in pages() if page != "README.md"}


def test_links_lead_to_files() -> None:
    for page in (*pages(), "CONTRIBUTING.md", "SECURITY.md"):
        for target in re.findall(r"\]\((?!https?:|#|mailto:)([^)#\s]+)", text_of_page(page)):
            assert ((ROOT / page).parent / target).exists(), f"{page}: {target}"


def test_the_tests_that_check_a_figure_exist() -> None:
    named = set(re.findall(r"tests/plugins/\w+\.py", text_of_page("docs/reproduction.md")))
    assert len(named) > 10
    assert all((ROOT / path).exists() for path in named)


def test_pages_stand_for_themselves() -> None:
    for page in pages():
        assert not _ELSEWHERE.search(text_of_page(page)), page


def test_the_citation_is_that_of_this_version() -> None:
    project = tomllib.loads(text_of_page("pyproject.toml"))["project"]
    assert f"\nversion: {project['version']}\n" in text_of_page("CITATION.cff")
