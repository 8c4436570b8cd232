"""The trainers: decoders from ImageNet-1K, their evaluation, and the recorded runs of the page."""

import sys
from contextlib import ExitStack

from explorer.endings import importing

# Closed by `run_command`: until then a program that was started by `python -m` imports what it needs.
IMPORTS = ExitStack()
if sys.argv[:1] == ["-m"]:
    IMPORTS.enter_context(importing())
