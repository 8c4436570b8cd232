"""Whether the tests of `tests/fuzz` try everything, and how long each of them may then take."""

import os

import pytest

IS_LONG = os.environ.get("EXPLORER_FUZZ") == "long"
TIMEOUT = pytest.mark.timeout(3600 if IS_LONG else 300)
