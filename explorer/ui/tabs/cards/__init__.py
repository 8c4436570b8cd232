"""The pictures of Explore's cards: python -m tests.browser.cards draws them. A card may go without."""

from pathlib import Path

from explorer.ui.stage import data_uri

CARDS = Path(__file__).parent


def card_styles() -> str:
    """Write the rules that lay each experiment's picture on its card."""
    return "".join(
        f'#explore-experiment label:has(input[value="{path.stem}"])::after {{ content: ""; '
        f"background-image: url({data_uri(path.read_bytes(), 'webp')}); }}"
        for path in sorted(CARDS.glob("*.webp"))
    )
