"""Whether a sentence stands in the page's catalogue."""

import re

# The same in every language: names of measures, layers, methods, and figures.
UNIVERSAL = re.compile(
    r"(layer\d|PSNR|SSIM|LPIPS|dB|Adam|L-BFGS|Esc|[\d.,×·–%→?❚▶ ]|A|1 – 4|English|Deutsch|Français|Español)+"
)


def is_known(text: str, keys: list[str]) -> bool:
    """Whether the page's script would find a translation: by the whole text, or by its pattern."""
    if text in keys or UNIVERSAL.fullmatch(text):
        return True
    patterns = [".+?".join(map(re.escape, key.split("{}"))) for key in keys if "{}" in key]
    return any(re.fullmatch(pattern, text, re.DOTALL) for pattern in patterns)
