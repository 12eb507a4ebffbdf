from __future__ import annotations

import io
import zlib
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from mot_anon.data.frames import (
    Frame,
    decode_frame,
    encode_frame,
    frame_info,
    metadata_segments,
    read_frame,
)
from mot_anon.errors import FrameError, OptionError
from tests.realdata import MOT, needs_mot

JPEG, PNG = Path("000001.jpg"), Path("000001.png")


@pytest.fixture(scope="module")
def picture() -> Frame:
    noise = np.random.default_rng(0).integers(0, 256, (90, 120, 3), np.uint8)
    return np.asarray(cv2.GaussianBlur(noise, (0, 0), 1.5), np.uint8)


def saved(image: Image.Image, form: str, **options: object) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, form, **options)
    return buffer.getvalue()


def pillow(picture: Frame) -> Image.Image:
    return Image.fromarray(picture[..., ::-1])


# What is decoded


def test_png_comes_back_pixel_by_pixel_and_jpeg_nearly(picture: Frame) -> None:
    assert np.array_equal(decode_frame(encode_frame(picture, ".png"), PNG), picture)
    decoded = decode_frame(encode_frame(picture, ".JPG"), JPEG)
    assert np.abs(decoded.astype(int) - picture).mean() < 4


def test_what_is_written_carries_no_metadata(picture: Frame) -> None:
    assert metadata_segments(encode_frame(picture, ".jpg")) == []
    assert metadata_segments(encode_frame(picture, ".png")) == []


def test_encoding_is_the_same_every_time(picture: Frame) -> None:
    for extension in (".jpg", ".png"):
        assert encode_frame(picture, extension) == encode_frame(picture.copy(), extension)


def test_other_formats_are_not_written(picture: Frame) -> None:
    with pytest.raises(OptionError, match=r"'\.bmp' cannot be written"):
        encode_frame(picture, ".bmp")


def test_grey_palette_progressive_and_transparent_frames_are_read_as_colour(picture: Frame) -> None:
    image = pillow(picture)
    assert decode_frame(saved(image.convert("L"), "JPEG"), JPEG).shape == picture.shape
    assert decode_frame(saved(image.convert("L"), "PNG"), PNG).shape == picture.shape
    assert decode_frame(saved(image.convert("P"), "PNG"), PNG).shape == picture.shape
    assert np.array_equal(decode_frame(saved(image.convert("RGBA"), "PNG"), PNG), picture)
    plain, progressive = saved(image, "JPEG", quality=90), saved(image, "JPEG", quality=90, progressive=True)
    assert np.array_equal(decode_frame(plain, JPEG), decode_frame(progressive, JPEG))


def test_restart_markers_are_no_damage(picture: Frame) -> None:
    done, data = cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_RST_INTERVAL, 1])
    assert done
    assert b"\xff\xd1" in data.tobytes()
    assert decode_frame(data.tobytes(), JPEG).shape == picture.shape


# What is refused


def test_every_truncation_is_found(picture: Frame) -> None:
    for path, data in ((JPEG, encode_frame(picture, ".jpg")), (PNG, encode_frame(picture, ".png"))):
        for share in (0.02, 0.3, 0.6, 0.9, 0.99):
            with pytest.raises(FrameError, match=str(path)):
                decode_frame(data[: int(len(data) * share)], path)
        with pytest.raises(FrameError, match="truncated"):
            decode_frame(data[:-2], path)


def test_a_truncated_jpeg_with_a_whole_thumbnail_is_still_truncated(picture: Frame) -> None:
    exif = Image.Exif()
    data = saved(pillow(picture), "JPEG", exif=exif.tobytes() + saved(pillow(picture[:9, :9]), "JPEG"))
    assert data.count(b"\xff\xd9") == 2
    decode_frame(data, JPEG)
    with pytest.raises(FrameError, match="truncated"):
        decode_frame(data[: len(data) * 3 // 4], JPEG)


@pytest.mark.parametrize("share", [0.2, 0.5, 0.8])
def test_one_wrong_bit_in_a_png_is_found(picture: Frame, share: float) -> None:
    data = bytearray(encode_frame(picture, ".png"))
    data[int(len(data) * share)] ^= 0x04
    with pytest.raises(FrameError, match=r"damaged .checksum of IDAT"):
        decode_frame(bytes(data), PNG)


def test_a_jpeg_that_was_overwritten_inside_is_found(picture: Frame) -> None:
    data = bytearray(encode_frame(picture, ".jpg"))
    data[len(data) // 2 : len(data) // 2 + 1024] = np.random.default_rng(0).bytes(1024)
    with pytest.raises(FrameError, match="damaged"):
        decode_frame(bytes(data), JPEG)


@pytest.mark.parametrize("data", [b"", b"GIF89a", b"<html></html>", b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff\xd9"])
def test_what_is_no_image_is_refused(data: bytes) -> None:
    with pytest.raises(FrameError, match=r"000001\.jpg: not an image"):
        decode_frame(data, JPEG)


def test_a_frame_of_another_size_is_refused(picture: Frame) -> None:
    with pytest.raises(FrameError, match="120×90 pixels in a sequence of 640×480"):
        decode_frame(encode_frame(picture, ".png"), PNG, size=(640, 480))
    assert decode_frame(encode_frame(picture, ".png"), PNG, size=(120, 90)).shape == (90, 120, 3)


def test_a_frame_that_is_named_as_what_it_is_not_is_refused(picture: Frame) -> None:
    with pytest.raises(FrameError, match=r"named \.png but holds a jpeg image"):
        decode_frame(encode_frame(picture, ".jpg"), PNG)
    with pytest.raises(FrameError, match="bmp image; frames are JPEG or PNG"):
        decode_frame(saved(pillow(picture), "BMP"), PNG)


def test_what_eight_bits_of_red_green_and_blue_cannot_hold_is_refused(picture: Frame) -> None:
    with pytest.raises(FrameError, match="pixel format CMYK"):
        decode_frame(saved(pillow(picture).convert("CMYK"), "JPEG"), JPEG)
    for deep in (picture[..., 0].astype(np.uint16) * 257, picture.astype(np.uint16) * 257):
        done, data = cv2.imencode(".png", deep)
        assert done
        with pytest.raises(FrameError, match=r"pixel format .*16"):
            decode_frame(data.tobytes(), PNG)


@pytest.mark.parametrize(("path", "form"), [(JPEG, "JPEG"), (PNG, "PNG")])
def test_a_frame_with_an_exif_rotation_is_refused(picture: Frame, path: Path, form: str) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    with pytest.raises(FrameError, match="EXIF rotation 6; rotate the pixels"):
        decode_frame(saved(pillow(picture), form, exif=exif), path)
    exif[0x0112] = 1
    assert decode_frame(saved(pillow(picture), form, exif=exif), path).shape == picture.shape


def test_a_frame_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(FrameError, match=r"000009\.jpg: frame is missing"):
        read_frame(tmp_path / "000009.jpg")
    (tmp_path / "000001.jpg").mkdir()
    with pytest.raises(FrameError, match="cannot be read"):
        read_frame(tmp_path / "000001.jpg")
    with pytest.raises(FrameError, match="frame is missing"):
        frame_info(tmp_path / "000009.jpg")


# Metadata


def chunk(name: bytes, body: bytes) -> bytes:
    return len(body).to_bytes(4, "big") + name + body + zlib.crc32(name + body).to_bytes(4, "big")


def test_metadata_is_named_wherever_it_stands(picture: Frame) -> None:
    exif = Image.Exif()
    exif[0x010E] = "somewhere"
    jpeg = saved(pillow(picture), "JPEG", exif=exif, comment=b"by somebody", icc_profile=b"x" * 200)
    assert sorted(set(metadata_segments(jpeg))) == ["APP1", "APP2", "COM"]
    png = encode_frame(picture, ".png")
    assert metadata_segments(png[:33] + chunk(b"tEXt", b"Author\0me") + png[33:]) == ["tEXt"]
    for data in (encode_frame(picture, ".jpg"), png):
        assert metadata_segments(data + b"hidden") == ["bytes after the image"]


@needs_mot
def test_real_frames_are_sound_and_have_their_sequences_size() -> None:
    for name, size in (("MOT15/train/TUD-Campus", (640, 480)), ("MOT17/train/MOT17-09-DPM", (1920, 1080))):
        for path in sorted((MOT / name / "img1").iterdir())[:3]:
            assert read_frame(path, size=size).shape == (size[1], size[0], 3)
