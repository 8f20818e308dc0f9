"""The page of a champion, as artifacts of its run and as the description of its version."""

from __future__ import annotations

from typing import TYPE_CHECKING

from discover import SearchInfo, SearchResult, candidate_page, facts_of_search
from discover_mlflow import content
from discover_mlflow.figures import drawing_problem

if TYPE_CHECKING:
    from discover_mlflow.session import Session

MARKDOWN, HTML = "champion.md", "champion.html"


def add_page(session: Session, search: SearchInfo, result: SearchResult) -> str:
    """Add the page of a search's champion to the artifacts; returns it as Markdown. It takes seconds.

    If the page cannot be written, that costs one line, and the result is the description of the search's run.
    """
    try:
        page = candidate_page(result.champion, search.registry, name="champion", facts=facts_of_search(search, result))
        markdown = page.markdown()
        session.text(HTML, page.html())
        session.text(MARKDOWN, markdown)
    except (Exception, SystemExit) as error:
        session.problems.append(drawing_problem("the page of the champion", error))
        return content.result_description(search, result)
    return markdown
