"""The page says in every language that it needs JavaScript."""

import httpx

from explorer.ui.language import LANGUAGES, read_catalogue
from explorer.ui.without_script import SENTENCE


def test_a_browser_without_scripts_is_told(address: str) -> None:
    answer = httpx.get(address, params={"__theme": "dark"})
    _, _, told = answer.text.partition("<noscript>")
    told, _, rest = told.partition("</noscript>")
    assert SENTENCE in told
    assert all(read_catalogue()[language][SENTENCE].replace("'", "&#x27;") in told for language in LANGUAGES)
    assert rest.strip().startswith("</body>")
    assert len(answer.content) == int(answer.headers.get("content-length", len(answer.content)))


def test_other_answers_are_passed_on_as_they_are(address: str) -> None:
    assert "<noscript>" not in httpx.get(f"{address}config").text
