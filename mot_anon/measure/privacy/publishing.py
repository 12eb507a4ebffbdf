"""Crops published as frames are: a method, a policy and a key; and what is left of a crop without its person."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import cv2
import numpy as np
from numpy.typing import NDArray

from mot_anon.measure.privacy.crops import Crops
from mot_anon.methods.base import Item, Method, Wishes, make_method
from mot_anon.plan.camera import Region
from mot_anon.plan.identities import CODE_SIZE, ISOMETRY, Codes, centred, identity_codes
from mot_anon.plan.keys import Key
from mot_anon.plan.regions import head_box, head_size
from mot_anon.publish.render import erase, render_frame
from mot_anon.vision.bodies import CROP_SIZE

Publisher = Callable[[Crops, Key], Crops]
"""The tool itself, as an attacker has it: crops of anybody, published under a key of the attacker's own."""
_SURE = 0.3
_RIM = 0.02  # of the height, by which a silhouette is widened before it is covered
_BATCH = 32


def publisher(method: str, strength: int | None = None, policy: str = "pseudonym") -> Publisher:
    """The tool with its settings; raises :class:`~mot_anon.errors.OptionError` for an unknown method."""
    made = make_method(method, strength)
    return lambda crops, key: publish_crops(crops, made, policy, key)


def publish_crops(crops: Crops, method: Method, policy: str, key: Key, codes: dict[str, Codes] | None = None) -> Crops:
    """Replace the person of every crop.

    A person has one code in each camera.  Each crop is rendered at the size that it had, because methods go by the size
    of heads, and scaled again.  A method that reads silhouettes by itself gets each crop as a frame with one person.
    ``codes``, camera → track → code, stand in for those of the policy in studies of what a policy does.
    """
    codes = _codes(crops, policy, key) if codes is None else codes
    bits = {camera: next(key.stream("recolor", camera)) for camera in crops.cameras}
    if Wishes.of(method, "body").silhouettes:
        return replace(crops, pixels=_as_frames(crops, method, codes, bits))
    masks = covered(crops)
    pixels = np.empty_like(crops.pixels)
    for start in range(0, len(crops), _BATCH):
        rows = range(start, min(start + _BATCH, len(crops)))
        items = []
        for row in rows:
            camera = crops.cameras[crops.camera[row]]
            code = codes[camera][str(crops.person[row])].astype(np.float32)
            items.append(_item(crops, row, masks[row], code, bits[camera], raw=method.needs_raw))
        for row, item, (rgb, alpha) in zip(rows, items, method.render(items), strict=True):
            blend = rgb * alpha[..., None] + item.erased * (1 - alpha[..., None])
            drawn = _resized(np.rint(blend[..., ::-1] * 255).clip(0, 255).astype(np.uint8), CROP_SIZE)
            pixels[row] = np.where(masks[row][..., None], drawn, crops.pixels[row])
    return replace(crops, pixels=pixels)


def floor(crops: Crops) -> Crops:
    """What no method goes below: people grey; faces filled from what is round them, as CIAGAN is given them."""
    return background(crops) if crops.part == "face" else grey(crops)


def grey(crops: Crops) -> Crops:
    """The floor: everybody the same grey, which leaves outline and place."""
    return replace(crops, pixels=np.where(covered(crops)[..., None], np.uint8(128), crops.pixels))


def background(crops: Crops) -> Crops:
    """Everybody filled from the background round them, which leaves the place."""
    return replace(crops, pixels=np.stack([erase(p, m) for p, m in zip(crops.pixels, covered(crops), strict=True)]))


def covered(crops: Crops) -> NDArray[np.bool_]:
    """(N, H, W): the pixels of a crop that are replaced."""
    if crops.silhouettes is None:
        return np.ones(crops.pixels.shape[:3], bool)
    size = 2 * round(_RIM * crops.pixels.shape[1]) + 1
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (size, size))
    sure = (crops.masks() > _SURE).astype(np.uint8)
    return np.stack([cv2.dilate(mask, kernel) > 0 for mask in sure])


def own_codes(crops: Crops) -> dict[str, Codes]:
    """Camera → person → the code that they have, not turned by any key: never published, a control of isometries.

    Codes are as long as those of an isometry: shorter ones would be drawn nearer to the mean person.
    """
    looks, found = _looks(crops), {}
    for index, camera in enumerate(crops.cameras):
        here = crops.camera == index
        means = {str(p): looks[here & (crops.person == p)].mean(0, dtype=np.float64) for p in crops.person[here]}
        found[camera] = {person: _scaled(code).astype(np.float16) for person, code in centred(means).items()}
    return found


def _scaled(code: NDArray[np.float64]) -> NDArray[np.float64]:
    """A code at the length that isometries give it; nothing stays nothing."""
    length = float(np.linalg.norm(code))
    return code * (np.sqrt(CODE_SIZE) / length) if length > 0 else code


def _codes(crops: Crops, policy: str, key: Key) -> dict[str, Codes]:
    """Camera → the codes of its people."""
    found: dict[str, Codes] = {}
    looks = _looks(crops) if policy == ISOMETRY else None
    for index, camera in enumerate(crops.cameras):
        here = crops.camera == index
        tracks = sorted({str(person) for person in crops.person[here]})
        means = None
        if looks is not None:
            means = {
                track: looks[here & (crops.person == int(track))].mean(axis=0, dtype=np.float64) for track in tracks
            }
        found[camera] = found.get(camera, {}) | identity_codes(policy, key, camera, tracks, means)
    return found


def _looks(crops: Crops) -> NDArray[np.float32]:
    """(N, 24): who the generator's identity network takes everybody for; isometries turn it."""
    from mot_anon.gan.reader import IdentityReader

    return IdentityReader().read(crops.pixels)


def _as_frames(crops: Crops, method: Method, codes: dict[str, Codes], bits: dict[str, int]) -> NDArray[np.uint8]:
    """Every crop published as a frame would be that shows this person alone, with the parser's silhouette."""
    from mot_anon.plan.silhouettes import Seen, windows_of
    from mot_anon.vision.parse import SIZE, Parser, cut_window

    parser = Parser()
    pixels = np.empty_like(crops.pixels)
    for start in range(0, len(crops), _BATCH):
        rows = range(start, min(start + _BATCH, len(crops)))
        frames = [_resized(crops.pixels[row], _own_size(crops, row)) for row in rows]
        boxes = [np.array([0, 0, frame.shape[1], frame.shape[0]], np.float64) for frame in frames]
        windows = windows_of(np.stack(boxes))
        seen = [cut_window(frame, window.astype(np.float64)) for frame, window in zip(frames, windows, strict=True)]
        maps = np.rint(255 * parser.read(np.stack(seen))[0]).astype(np.uint8)
        for row, frame, box, window, read in zip(rows, frames, boxes, windows, maps, strict=True):
            parts = [cv2.resize(part, (SIZE[1] // 2, SIZE[0] // 2), interpolation=cv2.INTER_AREA) for part in read[1:]]
            found = Seen(window, read[0], read[0], np.stack(parts).astype(np.uint8), sure=True)
            camera, track = crops.cameras[crops.camera[row]], str(crops.person[row])
            code = codes[camera][track].astype(np.float32)
            region = Region(track, box, True, head_box(box), np.zeros((0, 4)), code, found)
            pixels[row] = _resized(render_frame(frame, [region], method, "body", bits[camera])[0], CROP_SIZE)
    return pixels


def _own_size(crops: Crops, row: int) -> tuple[int, int]:
    """Height and width of a crop before it was scaled, of a few pixels at least."""
    width, height = (max(8, round(side)) for side in crops.size[row])
    return height, width


def _item(crops: Crops, row: int, mask: NDArray[np.bool_], code: NDArray[np.float32], bits: int, *, raw: bool) -> Item:
    height, width = _own_size(crops, row)
    crop = _resized(crops.pixels[row], (height, width))
    silhouette = cv2.resize(mask.astype(np.float32), (width, height), interpolation=cv2.INTER_NEAREST)
    box = np.array([0, 0, width, height], np.float64)
    return Item(
        _rgb(erase(crop, silhouette > 0)),
        np.asarray(silhouette, np.float32),
        code,
        head_size(box),
        bits,
        _rgb(crop) if raw else None,
    )


def _rgb(crop: NDArray[np.uint8]) -> NDArray[np.float32]:
    return np.asarray(crop[..., ::-1].astype(np.float32) / np.float32(255), np.float32)


def _resized(image: NDArray[np.uint8], size: tuple[int, int]) -> NDArray[np.uint8]:
    shrinks = image.shape[0] > size[0]
    way = cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(image, (size[1], size[0]), interpolation=way), np.uint8)
