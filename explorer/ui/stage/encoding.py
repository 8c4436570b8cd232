"""Pictures as the browser shows them: data URIs."""

from base64 import b64encode

from explorer.images import Images, encode_jpeg

# Still pictures are sent once, so they may be better than the frames of a run.
STILL_QUALITY = 92


def data_uri(content: bytes, kind: str = "jpeg") -> str:
    """Write a picture so that a page can show it without a file."""
    return f"data:image/{kind};base64,{b64encode(content).decode('ascii')}"


def still(images: Images) -> str:
    """Encode a picture that is sent once."""
    return data_uri(encode_jpeg(images, STILL_QUALITY))
