"""Which files are opened as pictures, and how many pixels of them: plain raster formats alone.

Pillow would hand others, such as EPS, to outside programs.
"""

import pi_heif
import PIL.AvifImagePlugin
import PIL.Image

JPEGS = ("JPEG", "MPO")  # An MPO is one photo with previews of it, as some cameras write.
FORMATS = ("JPEG", "PNG", "WEBP", "AVIF", "HEIF", "GIF", "BMP", "TIFF", "PPM")
# The further frames of an MPO are not an animation.
ANIMATED_FORMATS = ("GIF", "WEBP", "AVIF", "PNG", "TIFF")

MEGAPIXEL = 1_000_000
MAX_PIXELS = 40 * MEGAPIXEL  # Two copies of such a picture, and its file, take less than half a gigabyte.
# JPEGs are made smaller while they are read: 200 megapixels, the most that phones take, are 16,384 x 12,288.
MAX_JPEG_PIXELS = 205 * MEGAPIXEL
# Pillow refuses twice as many pixels before it says how many there are.
PIL.Image.MAX_IMAGE_PIXELS = MAX_JPEG_PIXELS
# Each thread of a decoder takes memory of its own, and the processor's time is counted over all of them.
PIL.AvifImagePlugin.DEFAULT_MAX_THREADS = 1
pi_heif.register_heif_opener(decode_threads=1, thumbnails=False, depth_images=False, aux_images=False)
