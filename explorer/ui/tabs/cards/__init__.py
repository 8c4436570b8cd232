"""The pictures of Explore's cards, one for each experiment: python -m tests.browser.cards draws them."""

from pathlib import Path

from explorer.experiments import EXPERIMENTS
from explorer.ui.stage import data_uri

CARDS = Path(__file__).parent


def card_styles() -> str:
    """Write the rules that lay each experiment's picture on its card."""
    return "".join(
        f'#explore-experiment label:has(input[value="{name}"])::after {{ '
        f"background-image: url({data_uri((CARDS / f'{name}.webp').read_bytes(), 'webp')}); }}"
        for name in EXPERIMENTS
    )
