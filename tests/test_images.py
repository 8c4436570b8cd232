"""Reading pictures: what works, works upright and opaque; what does not, says what to do."""

import struct
import zlib
from io import BytesIO
from pathlib import Path

import numpy as np
import PIL.Image
import pytest
import torch

from explorer.decoding.decode import FIRST_FRAME, TOO_LARGE, UNREADABLE
from explorer.examples import EXAMPLES, load_example
from explorer.images import (
    ImageError,
    encode_jpeg,
    encode_png,
    prepare,
    quantise,
    read_picture,
    to_pil,
)

RED, GREEN, BLUE = (255, 0, 0), (0, 255, 0), (0, 0, 255)


def encode(image: PIL.Image.Image, file_format: str = "PNG", **options) -> bytes:
    buffer = BytesIO()
    image.save(buffer, file_format, **options)
    return buffer.getvalue()


def random_image(width: int, height: int, seed: int = 0) -> PIL.Image.Image:
    pixels = np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)
    return PIL.Image.fromarray(pixels)


def grey_ramp(peak: float, dtype: type) -> np.ndarray:
    """A ramp from black at the left to `peak` at the right."""
    return np.tile(np.linspace(0, peak, 64), (64, 1)).astype(dtype)


def header_only_png(width: int, height: int) -> bytes:
    """A PNG that declares its size but holds no pixels: it can only be refused by its header."""
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + png_chunk(b"IHDR", header) + png_chunk(b"IDAT", b"")


def png_chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def test_a_picture_of_the_wanted_size_keeps_its_pixels_to_the_bit():
    image = random_image(224, 224)
    images = read_picture(encode(image)).images
    assert images.shape == (1, 3, 224, 224)
    assert images.dtype == torch.float32
    assert np.array_equal(np.asarray(to_pil(images)), np.asarray(image))


@pytest.mark.parametrize(("width", "height"), [(320, 427), (500, 333), (227, 227), (100, 64), (224, 300)])
def test_prepare_is_resizing_the_short_side_then_cropping_the_centre(width, height):
    image = random_image(width, height)
    scale = 224 / min(width, height)
    whole = image.resize((round(width * scale), round(height * scale)), PIL.Image.Resampling.BICUBIC)
    left, top = (whole.width - 224) // 2, (whole.height - 224) // 2
    expected = np.asarray(whole.crop((left, top, left + 224, top + 224)), dtype=int)
    difference = np.abs(np.asarray(to_pil(prepare(image)), dtype=int) - expected)
    assert difference.max() <= 1


def test_a_very_long_picture_does_not_fill_the_memory():
    assert prepare(PIL.Image.new("RGB", (32, 400_000), RED)).shape == (1, 3, 224, 224)


def test_png_keeps_exactly_the_quantised_pixels():
    images = torch.rand(1, 3, 48, 48, generator=torch.Generator().manual_seed(0))
    assert torch.equal(read_picture(encode_png(images), size=48).images, quantise(images))


def test_encoders_clamp_values_outside_zero_to_one():
    images = torch.tensor([-1.0, 2.0, 0.5]).view(1, 3, 1, 1).expand(1, 3, 32, 32)
    assert to_pil(images).getpixel((0, 0)) == (0, 255, 128)


def test_jpeg_decodes_close_to_the_original():
    images = load_example("astronaut").images
    assert (read_picture(encode_jpeg(images)).images - images).abs().mean() < 0.02


@pytest.mark.parametrize("name", EXAMPLES)
def test_every_example_loads_without_a_network(name):
    picture = load_example(name)
    assert picture.name == name
    assert picture.images.shape == (1, 3, 224, 224)
    assert picture.notice is None


def test_an_unknown_example_is_refused_by_name():
    with pytest.raises(ImageError, match="'unicorn'; choose one of astronaut"):
        load_example("unicorn")


def test_a_file_gives_the_picture_its_stem_as_name(tmp_path: Path):
    path = tmp_path / "holiday.photo.png"
    path.write_bytes(encode(random_image(64, 64)))
    assert read_picture(path).name == "holiday.photo"
    assert read_picture(str(path), name="mine").name == "mine"
    assert read_picture(path.read_bytes()).name == "picture"


def test_grey_palette_and_cmyk_pictures_become_rgb():
    colour = PIL.Image.new("RGB", (64, 64), RED)
    palette, cmyk = encode(colour.quantize(4)), encode(colour.convert("CMYK"), "JPEG")
    grey = encode(PIL.Image.new("L", (64, 64), 128))
    assert to_pil(read_picture(palette).images).getpixel((9, 9)) == RED
    assert np.allclose(read_picture(cmyk).images[0, :, 9, 9], [1, 0, 0], atol=0.02)
    assert to_pil(read_picture(grey).images).getpixel((9, 9)) == (128, 128, 128)
    assert to_pil(read_picture(encode(PIL.Image.new("1", (64, 64), 1))).images).getpixel((9, 9)) == (
        255,
        255,
        255,
    )


@pytest.mark.parametrize("mode", ["RGBA", "LA"])
def test_transparent_pictures_are_shown_over_white(mode):
    transparent_black = PIL.Image.new(mode, (64, 64), 0)
    assert read_picture(encode(transparent_black)).images.min() == 1


def test_half_transparent_black_over_white_is_grey():
    half = PIL.Image.new("RGBA", (64, 64), (0, 0, 0, 128))
    assert read_picture(encode(half)).images.mean().item() == pytest.approx(0.5, abs=0.01)


def test_a_transparent_palette_colour_is_shown_as_white():
    image = PIL.Image.new("P", (64, 64), 1)
    image.putpalette([*GREEN, *BLUE])
    assert read_picture(encode(image, transparency=1)).images.min() == 1
    assert to_pil(read_picture(encode(image, transparency=0)).images).getpixel((9, 9)) == BLUE


@pytest.mark.parametrize(
    "ramp",
    [
        PIL.Image.fromarray(grey_ramp(65535, np.uint16)),
        PIL.Image.fromarray(grey_ramp(65535, np.int32)),
        PIL.Image.fromarray(grey_ramp(1.0, np.float32)),
        PIL.Image.fromarray(grey_ramp(255.0, np.float32)),
    ],
    ids=["16-bit", "32-bit", "float to 1", "float to 255"],
)
def test_deep_and_float_pictures_keep_their_whole_range(ramp):
    file_bytes = encode(ramp, "TIFF")
    images = read_picture(file_bytes, size=64).images
    expected = torch.linspace(0, 1, 64).expand(1, 3, 64, 64)
    assert (images - expected).abs().max() < 1 / 254


def test_a_dark_16_bit_png_stays_dark():
    image = PIL.Image.fromarray(grey_ramp(6553, np.uint16))
    assert read_picture(encode(image)).images.max().item() == pytest.approx(0.1, abs=0.005)


def test_exif_rotation_is_undone():
    image = PIL.Image.new("RGB", (64, 64), RED)
    image.paste(BLUE, (0, 0, 64, 32))
    exif = PIL.Image.Exif()
    exif[0x0112] = 6  # Orientation: turn a quarter clockwise to see it upright.
    upright = to_pil(read_picture(encode(image, exif=exif), size=64).images)
    assert upright.getpixel((60, 32)) == BLUE
    assert upright.getpixel((3, 32)) == RED


def test_an_animation_gives_its_first_frame_and_says_so():
    frames = [PIL.Image.new("RGB", (64, 64), colour) for colour in (RED, GREEN, BLUE)]
    picture = read_picture(encode(frames[0], "GIF", save_all=True, append_images=frames[1:]))
    assert picture.notice == FIRST_FRAME
    assert to_pil(picture.images).getpixel((9, 9)) == RED
    assert read_picture(encode(frames[0], "GIF")).notice is None


def test_a_camera_file_with_previews_is_no_animation():
    frames = [random_image(64, 64, seed) for seed in (0, 1)]
    assert read_picture(encode(frames[0], "MPO", save_all=True, append_images=frames[1:])).notice is None


def test_what_is_not_a_picture_is_refused():
    svg = b'<svg xmlns="http://www.w3.org/2000/svg" width="64" height="64"/>'
    truncated_jpeg = encode(random_image(256, 256), "JPEG")[:3000]
    truncated_png = encode(random_image(256, 256), "PNG")[:3000]
    for file_bytes in (b"", b"hello", svg, truncated_jpeg, truncated_png, header_only_png(64, 64)):
        with pytest.raises(ImageError) as caught:
            read_picture(file_bytes)
        assert str(caught.value) == UNREADABLE


def test_a_postscript_file_is_refused_without_running_an_interpreter():
    with pytest.raises(ImageError):
        read_picture(encode(random_image(64, 64), "EPS"))


@pytest.mark.parametrize(("width", "height"), [(1, 1), (3, 3), (31, 400)])
def test_tiny_pictures_are_refused_with_their_size(width, height):
    with pytest.raises(ImageError, match=f"This image is {width}x{height}; use at least 32x32."):
        read_picture(encode(random_image(width, height)))


@pytest.mark.parametrize(("width", "height"), [(10_000, 6_000), (10_000, 12_000), (30_000, 20_000)])
@pytest.mark.filterwarnings("ignore::PIL.Image.DecompressionBombWarning")
def test_huge_pictures_are_refused_by_their_header(width, height):
    with pytest.raises(ImageError) as caught:
        read_picture(header_only_png(width, height))
    assert str(caught.value) == TOO_LARGE


def test_a_missing_file_and_a_folder_are_refused(tmp_path: Path):
    with pytest.raises(ImageError, match="No such file"):
        read_picture(tmp_path / "missing.png")
    with pytest.raises(ImageError, match="Is a directory"):
        read_picture(tmp_path)
