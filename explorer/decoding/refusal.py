"""Why a picture is refused."""

from explorer.errors import ExplorerError


class ImageError(ExplorerError):
    """A picture that cannot be used; the message says what to do."""
