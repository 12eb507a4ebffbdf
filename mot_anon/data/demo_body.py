"""The demo's bodies: which tubes a dressed person is made of, from the joints of a skeleton."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from mot_anon.data.demo_cast import Look
from mot_anon.data.demo_pose import THIGH
from mot_anon.data.demo_tubes import Tubes

FloatArray = NDArray[np.float64]

_UP = np.array([0.0, 0.0, 1.0])
_TORSO = np.array(
    [
        (-0.01, 0.090, 0.066),
        (0.08, 0.080, 0.060),
        (0.20, 0.096, 0.068),
        (0.268, 0.108, 0.062),
        (0.305, 0.080, 0.050),
        (0.338, 0.036, 0.036),
    ]
)
_SEAT = np.array(
    [
        (-0.055, 0.067, 0.05),
        (-0.03, 0.092, 0.068),
        (-0.01, 0.1, 0.07),
        (0.01, 0.098, 0.07),
        (0.03, 0.092, 0.066),
        (0.06, 0.082, 0.06),
    ]
)
_BAGS = {
    "backpack": np.array(
        [
            (-0.12, 0.05, 0.025),
            (-0.105, 0.075, 0.045),
            (-0.03, 0.08, 0.05),
            (0.05, 0.078, 0.045),
            (0.09, 0.07, 0.035),
            (0.105, 0.05, 0.02),
        ]
    ),
    "shoulder": np.array(
        [
            (-0.05, 0.022, 0.06),
            (-0.045, 0.028, 0.072),
            (0.0, 0.03, 0.076),
            (0.03, 0.028, 0.074),
            (0.055, 0.024, 0.07),
            (0.06, 0.02, 0.06),
        ]
    ),
    "hand": np.array(
        [
            (-0.09, 0.02, 0.075),
            (-0.085, 0.024, 0.085),
            (-0.03, 0.024, 0.085),
            (0.0, 0.022, 0.082),
            (0.03, 0.012, 0.05),
            (0.09, 0.004, 0.012),
        ]
    ),
}
"""Rise, half width and half depth of six rings, in body heights."""


def body_tubes(look: Look, j: dict[str, FloatArray], forward: FloatArray, right: FloatArray, mode: str) -> Tubes:
    """Limbs, trunk, skirt or coat tail and bag of a person.

    Parameters
    ----------
    j:
        Joints (3,) in world metres, named as :func:`skeleton` names them.
    forward, right:
        The body's unit vectors in the world.
    mode:
        How it moves: somebody who sits or rides shows no hem.
    """
    h, b = look.height, look.broad
    tubes = Tubes()
    _limbs(tubes, look, j)
    axis = j["neck"] - j["pelvis"]
    axis = axis / math.sqrt(float(axis @ axis))
    wide = 1.08 if look.top_kind in ("coat", "jacket") else 1.0
    w, d = b * wide, (0.5 + 0.5 * b) * wide
    tubes.trunk("torso", j["pelvis"], axis, _TORSO * (1.0, w, d), h)
    tubes.trunk("seat", j["pelvis"], axis, _SEAT * (1.0, b, 1.0), h)
    hem = _hem(look, mode)
    if hem is not None:
        length, flare = hem
        between = j["knee_l"] - j["knee_r"]
        hang = 0.5 * (j["knee_l"] + j["knee_r"]) - j["pelvis"]
        hang = 0.35 * hang / math.sqrt(float(hang @ hang)) - (0.0, 0.0, 0.65)
        spread = 0.5 * abs(float(between @ forward)) / h * min(1.0, length / THIGH)
        k = np.arange(6) / 5
        rise, half_width = -0.07 + (length + 0.07) * k, 0.084 * w + flare * k
        rows = np.stack([rise, half_width, 0.064 * d + (flare * 0.7 + spread * 0.55) * k], axis=1)
        tubes.trunk("hem", j["pelvis"], hang / math.sqrt(float(hang @ hang)), rows, h)
    if look.bag in _BAGS:
        at = {
            "backpack": j["chest"] - forward * (0.095 * h),
            "shoulder": j["hip_r"] + right * (0.055 * h),
            "hand": j["hand_r"] - (0.0, 0.0, 0.11 * h),
        }[look.bag]
        tubes.trunk("bag", at, _UP, _BAGS[look.bag], h)
    return tubes


def _limbs(tubes: Tubes, look: Look, j: dict[str, FloatArray]) -> None:
    """Arms, legs and neck: radii at start, middle and end in body heights."""
    h = look.height
    loose = 1.12 if look.bottom_kind == "trousers" else 0.92
    sleeve = 1.18 if look.top_kind in ("coat", "jacket") else 1.0
    fore = 0.85 if look.top_kind in ("tee", "dress") else sleeve
    knee, ankle = 0.037 * loose, 0.029 if loose > 1 else 0.02
    parts = (
        ("thigh", "hip", "knee", (0.054 * look.broad, 0.050 * loose, knee)),
        ("shin", "knee", "ankle", (knee, 0.036 * loose, ankle)),
        ("foot", "heel", "toe", (0.021, 0.021, 0.016)),
        ("upper", "shoulder", "elbow", (0.029 * sleeve, 0.028 * sleeve, 0.023 * sleeve)),
        ("fore", "elbow", "wrist", (0.024 * fore, 0.022 * fore, 0.017 * fore)),
        ("hand", "wrist", "hand", (0.014, 0.018, 0.014)),
    )
    for n in ("l", "r"):
        for part, start, end, (first, middle, last) in parts:
            tubes.limb(f"{part}_{n}", j[f"{start}_{n}"], j[f"{end}_{n}"], (first * h, middle * h, last * h))
    tubes.limb("neck", j["neck"] - (0.0, 0.0, 0.02 * h), j["head"], (0.034 * h, 0.030 * h, 0.03 * h))


def _hem(look: Look, mode: str) -> tuple[float, float] | None:
    """Length below the hip and flare of a skirt or coat tail, in body heights."""
    if mode in ("sit", "ride"):
        return None
    if look.bottom_kind in ("skirt", "dress"):
        return (0.24, 0.030) if look.bottom_kind == "dress" else (0.20, 0.026)
    return (0.19, 0.022) if look.top_kind == "coat" else None
