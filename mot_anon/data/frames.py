"""Frames on disk: decoding that refuses what is broken, encoding that carries no metadata."""

from __future__ import annotations

import io
import re
import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError

from mot_anon.errors import FrameError, OptionError

Frame = NDArray[np.uint8]
"""H×W×3 uint8 in BGR order, as OpenCV has it."""

EXTENSIONS = {".jpg": "jpeg", ".jpeg": "jpeg", ".png": "png"}
JPEG_QUALITY = 95
_ORIENTATION = 0x0112
_NEXT_MARKER = re.compile(rb"\xff[^\x00\xd0-\xd7\xff]")
_MODES = {"L", "RGB", "RGBA", "P", "1"}


@dataclass(frozen=True)
class FrameInfo:
    """What the header of a frame says: size in pixels and format (``jpeg`` or ``png``)."""

    width: int
    height: int
    format: str


def frame_info(path: Path, data: bytes | None = None) -> FrameInfo:
    """Size and format of a frame from its header.

    Raises
    ------
    FrameError
        No image, an EXIF rotation, more than 8 bits a channel, or another format than its name says.
    """
    data = frame_bytes(path) if data is None else data
    try:
        with Image.open(io.BytesIO(data)) as image:
            kind, size, mode = (image.format or "").lower(), image.size, image.mode
            depth = "16-bit " if any(";16" in str(tile[3]) for tile in image.tile) else ""
            orientation = _orientation(image, data)
    except (UnidentifiedImageError, Image.DecompressionBombError, OSError, ValueError, SyntaxError, struct.error):
        raise FrameError(f"{path}: not an image, or its header is broken; fetch the frame again") from None
    kind = "jpeg" if kind in ("jpeg", "mpo") else kind
    if kind not in ("jpeg", "png"):
        raise FrameError(f"{path}: {kind or 'unknown'} image; frames are JPEG or PNG")
    if kind != EXTENSIONS.get(path.suffix.lower()):
        raise FrameError(f"{path}: named {path.suffix} but holds a {kind} image; rename or convert it")
    if mode not in _MODES or depth:
        raise FrameError(f"{path}: pixel format {depth}{mode}; convert it to 8-bit grey or RGB first")
    if orientation not in (0, 1):
        raise FrameError(f"{path}: EXIF rotation {orientation}; rotate the pixels and drop the tag first")
    return FrameInfo(size[0], size[1], kind)


def read_frame(path: Path, *, size: tuple[int, int] | None = None) -> Frame:
    """Decode a frame.

    Parameters
    ----------
    path:
        A JPEG or PNG file.
    size:
        (width, height) in pixels that it must have.

    Returns
    -------
    H×W×3 uint8, BGR.

    Raises
    ------
    FrameError
        Missing, truncated, damaged, not an image, rotated by EXIF, or of another size.  PNG files carry checksums, so
        every damage is seen; JPEG files do not, and one whose coded data was changed into other valid data decodes to
        other pixels.
    """
    return decode_frame(frame_bytes(path), path, size=size)


def decode_frame(data: bytes, path: Path, *, size: tuple[int, int] | None = None) -> Frame:
    """:func:`read_frame` for bytes that are already in memory; ``path`` is for messages."""
    info = frame_info(path, data)
    # OpenCV decodes what it can of a damaged file, fills the rest with grey, and says nothing to the caller.
    fault = _png_fault(data) if info.format == "png" else _jpeg_fault(data)
    if fault:
        raise FrameError(f"{path}: {fault}; fetch the frame again")
    if size is not None and (info.width, info.height) != size:
        raise FrameError(f"{path}: {info.width}×{info.height} pixels in a sequence of {size[0]}×{size[1]}")
    pixels = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR | cv2.IMREAD_IGNORE_ORIENTATION)
    if pixels is None or pixels.shape[:2] != (info.height, info.width):
        raise FrameError(f"{path}: cannot be decoded; fetch the frame again")
    return np.asarray(pixels, np.uint8)


def encode_frame(frame: Frame, extension: str) -> bytes:
    """Encode a frame as the file name's ``extension`` asks (JPEG at quality 95, or PNG), without any metadata.

    Raises
    ------
    OptionError
        An extension that is neither JPEG nor PNG.
    """
    kind = EXTENSIONS.get(extension.lower())
    if kind is None:
        raise OptionError(f"frames of type {extension!r} cannot be written; use one of {', '.join(EXTENSIONS)}")
    options = [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY] if kind == "jpeg" else [cv2.IMWRITE_PNG_COMPRESSION, 3]
    done, data = cv2.imencode(".jpg" if kind == "jpeg" else ".png", frame, options)
    if not done:
        raise FrameError("OpenCV could not encode a frame")
    return data.tobytes()


def metadata_segments(data: bytes) -> list[str]:
    """Names of what a JPEG or PNG file carries besides pixels, empty for a clean one (JFIF and Adobe's APP14 are)."""
    if data[:2] == b"\xff\xd8":
        return _jpeg_metadata(data)
    kept = {b"IHDR", b"PLTE", b"tRNS", b"IDAT", b"IEND"}
    chunks = list(_png_chunks(data))
    end = chunks[-1][1] + len(chunks[-1][2]) + 4 if chunks else 0
    after = ["bytes after the image"] if end != len(data) else []
    return [name.decode("latin-1") for name, *_ in chunks if name not in kept] + after


def _jpeg_metadata(data: bytes) -> list[str]:
    # Scans are walked through, not jumped over by searching backwards: a whole second picture may stand behind the end.
    found = []
    position = 2
    while position + 4 <= len(data) and data[position + 1] != 0xD9:
        marker, length = data[position + 1], int.from_bytes(data[position + 2 : position + 4], "big")
        if marker == 0xFF:  # a fill byte
            position += 1
            continue
        body = data[position + 4 : position + 2 + length]
        clean = (marker == 0xE0 and body[:5] == b"JFIF\0" and len(body) == 14) or (
            marker == 0xEE and body[:5] == b"Adobe"
        )
        if (0xE0 <= marker <= 0xEF and not clean) or marker == 0xFE:
            found.append("COM" if marker == 0xFE else f"APP{marker - 0xE0}")
        position += 2 + length
        if marker == 0xDA:
            after = _NEXT_MARKER.search(data, position)
            position = after.start() if after else len(data)
    if position + 2 < len(data):
        found.append("bytes after the image")
    return found


def frame_bytes(path: Path) -> bytes:
    """A frame's file; raises :class:`~mot_anon.errors.FrameError` where it cannot be read."""
    try:
        return path.read_bytes()
    except FileNotFoundError:
        raise FrameError(f"{path}: frame is missing") from None
    except OSError as error:
        raise FrameError(f"{path}: cannot be read ({error.strerror})") from None


def _orientation(image: Image.Image, data: bytes) -> int:
    if image.format != "PNG":
        return int(image.getexif().get(_ORIENTATION, 1))
    exif = Image.Exif()  # asked for it itself, Pillow would decode all pixels to see whether some stands at the end
    for name, _, body in _png_chunks(data):
        if name == b"eXIf":
            exif.load(body)
    return int(exif.get(_ORIENTATION, 1))


def _png_chunks(data: bytes) -> Iterator[tuple[bytes, int, bytes]]:
    """Name, place of the content and content of every chunk up to the end chunk, or to where the file is cut off."""
    position, name = 8, b""
    while name != b"IEND" and position + 12 <= len(data):
        length, name = int.from_bytes(data[position : position + 4], "big"), data[position + 4 : position + 8]
        yield name, position + 8, data[position + 8 : position + 8 + length]
        position += 12 + length


def _png_fault(data: bytes) -> str:
    name = b""
    for name, place, body in _png_chunks(data):
        stored = data[place + len(body) : place + len(body) + 4]
        if len(stored) < 4:
            return "truncated"
        if zlib.crc32(name + body) != int.from_bytes(stored, "big"):
            return f"damaged (checksum of {name.decode('latin-1')} at byte {place})"
    return "" if name == b"IEND" else "truncated"


def _jpeg_fault(data: bytes) -> str:
    # Inside entropy-coded data 0xFF is always followed by 0x00 or a restart marker, so an end-of-image marker after
    # the last scan header is the real one and not that of an embedded thumbnail; anything else there is damage.
    scan = data.rfind(b"\xff\xda")
    end = data.find(b"\xff\xd9", scan)
    if scan < 0 or end < 0:
        return "truncated"
    coded = np.frombuffer(data, np.uint8)[scan + 2 : end]
    after = coded[np.flatnonzero(coded[:-1] == 0xFF) + 1]
    sound = (after == 0) | (after == 0xFF) | ((after >= 0xD0) & (after <= 0xD7))
    return "" if sound.all() else "damaged"
