"""The page in other languages: one catalogue of sentences, whose keys are the English ones.

A `{}` in a key stands for what varies; a translation takes it in the same order, or by its number: `{1}`.
"""

import json
from pathlib import Path

CATALOGUE_FILE = Path(__file__).with_name("catalogue.json")
LANGUAGES = ("de", "fr", "es")


def read_catalogue() -> dict[str, dict[str, str]]:
    """Read the translations by language, each by its English text."""
    sentences = json.loads(CATALOGUE_FILE.read_text(encoding="utf-8"))
    return {language: {text: given[language] for text, given in sentences.items()} for language in LANGUAGES}
