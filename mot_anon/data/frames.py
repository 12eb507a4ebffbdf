"""Frames on disk: decoding that refuses what is broken, encoding that carries no metadata."""

from __future__ import annotations

import io
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
    try:
        with Image.open(io.BytesIO(data) if data is not None else path) as image:
            kind, size, mode = (image.format or "").lower(), image.size, image.mode
            orientation = image.getexif().get(_ORIENTATION, 1)
    except FileNotFoundError:
        raise FrameError(f"{path}: frame is missing") from None
    except (UnidentifiedImageError, OSError, ValueError, SyntaxError):
        raise FrameError(f"{path}: not an image, or its header is broken; fetch the frame again") from None
    kind = "jpeg" if kind in ("jpeg", "mpo") else kind
    if kind not in ("jpeg", "png"):
        raise FrameError(f"{path}: {kind or 'unknown'} image; frames are JPEG or PNG")
    if kind != EXTENSIONS.get(path.suffix.lower()):
        raise FrameError(f"{path}: named {path.suffix} but holds a {kind} image; rename or convert it")
    if mode not in _MODES:
        raise FrameError(f"{path}: pixel format {mode}; convert it to 8-bit grey or RGB first")
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
        Missing, truncated, not an image, rotated by EXIF, or of another size.
    """
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        raise FrameError(f"{path}: frame is missing") from None
    except OSError as error:
        raise FrameError(f"{path}: cannot be read ({error.strerror})") from None
    return decode_frame(data, path, size=size)


def decode_frame(data: bytes, path: Path, *, size: tuple[int, int] | None = None) -> Frame:
    """:func:`read_frame` for bytes that are already in memory; ``path`` is for messages."""
    info = frame_info(path, data)
    # OpenCV decodes what it can of a truncated file, fills the rest with grey, and says nothing to the caller.
    if not _complete(data, info.format):
        raise FrameError(f"{path}: truncated; fetch the frame again")
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
    return [name.decode("latin-1") for name in _png_chunks(data) if name not in kept]


def _jpeg_metadata(data: bytes) -> list[str]:
    found = []
    position = 2
    while position + 4 <= len(data):
        marker, length = data[position + 1], int.from_bytes(data[position + 2 : position + 4], "big")
        if marker == 0xDA:
            break
        body = data[position + 4 : position + 2 + length]
        clean = (marker == 0xE0 and body[:5] == b"JFIF\0" and len(body) == 14) or (
            marker == 0xEE and body[:5] == b"Adobe"
        )
        if (0xE0 <= marker <= 0xEF and not clean) or marker == 0xFE:
            found.append("COM" if marker == 0xFE else f"APP{marker - 0xE0}")
        position += 2 + length
    end = data.rfind(b"\xff\xd9")
    if end >= 0 and end + 2 != len(data):
        found.append("bytes after the image")
    return found


def _png_chunks(data: bytes) -> list[bytes]:
    names = []
    position = 8
    while position + 8 <= len(data):
        length = int.from_bytes(data[position : position + 4], "big")
        names.append(data[position + 4 : position + 8])
        position += 12 + length
    return names if position == len(data) else [*names, b"bytes after the image"]


def _complete(data: bytes, kind: str) -> bool:
    if kind == "png":
        return b"IEND" in data[-16:] or b"IEND" in _png_chunks(data)
    # Inside entropy-coded data 0xFF is always followed by 0x00 or a restart marker, so an end-of-image marker after
    # the last scan header is the real one and not that of an embedded thumbnail.
    scan = data.rfind(b"\xff\xda")
    return scan >= 0 and data.find(b"\xff\xd9", scan) >= 0
