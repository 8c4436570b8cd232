"""The tests. While they run, the product's functions and dataclasses check their annotations, shapes too."""

from pathlib import Path

from beartype import BeartypeConf, beartype
from jaxtyping import install_import_hook

ROOT = Path(__file__).parents[1]

UNCHECKED = {
    # Gradio publishes the annotations of the endpoints, to which anything may be sent; they check it.
    "explorer.ui.api.endpoints",
    # Gradio asks whether an event's function is a generator's, which it no longer is once it is checked.
    "explorer.ui.arrival",
}

# An int is a float to every static type checker (PEP 484), so it is one here.
check_types = beartype(conf=BeartypeConf(is_pep484_tower=True))


def list_modules() -> list[str]:
    """Name every module of the product."""
    paths = [path for package in ("explorer", "trainers") for path in (ROOT / package).rglob("*.py")]
    return [".".join(path.relative_to(ROOT).with_suffix("").parts) for path in paths]


install_import_hook([name for name in list_modules() if name not in UNCHECKED], "tests.check_types")
