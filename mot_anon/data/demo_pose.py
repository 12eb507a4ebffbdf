"""Skeletons that walk, stand, sit and ride: joint positions in metres from a phase of the gait cycle.

Proportions are the draughtsman's seven and a half heads; the hip, knee and foot curves follow the textbook gait cycle
(heel strike at 0, toe-off at 0.6). The stride length follows from the curves, so that feet do not slide.
"""

from __future__ import annotations

import math
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from mot_anon.data.demo_cast import Look

FloatArray = NDArray[np.float64]

THIGH, SHIN, HIP_HALF = 0.245, 0.24, 0.050
UPPER_ARM, FOREARM = 0.175, 0.15
SHOULDER_RISE, NECK_RISE, HEAD_RISE = 0.276, 0.335, 0.405
SOLE = 0.04

_SAMPLES = 200
_HIP = (28, 25, 17, 7, -4, -12, -7, 12, 26, 30)
_KNEE = (4, 15, 15, 9, 6, 13, 38, 60, 52, 20)
_FOOT = (16, 3, 0, 0, -3, -18, -50, -48, -14, 10)


def _curve(knots: tuple[int, ...]) -> FloatArray:
    dense = np.interp(np.arange(_SAMPLES) / _SAMPLES, np.linspace(0, 1, len(knots) + 1), [*knots, knots[0]])
    kernel = np.hanning(23)
    wrapped = np.concatenate([dense[-11:], dense, dense[:11]])
    return np.radians(np.convolve(wrapped, kernel / kernel.sum(), mode="valid"))


_CURVES = tuple(_curve(knots) for knots in (_HIP, _KNEE, _FOOT))


def _leg(phase: float, vigour: float) -> tuple[float, float, float]:
    index = int(phase % 1.0 * _SAMPLES) % _SAMPLES
    hip, knee, foot = (float(curve[index]) for curve in _CURVES)
    return hip * vigour, knee * (0.4 + 0.6 * vigour), foot * vigour


@lru_cache(maxsize=256)
def stride(height: float, vigour: float) -> float:
    """Metres covered in one gait cycle by somebody ``height`` metres tall.

    ``vigour`` says how many times the textbook's angles the legs swing.
    """
    reach = []
    for phase in (0.03, 0.5):
        hip, knee, _ = _leg(phase, vigour)
        reach.append(THIGH * math.sin(hip) + SHIN * math.sin(hip - knee))
    return 2.0 * height * (reach[0] - reach[1])


def vigour(speed: float, height: float) -> float:
    """How widely somebody of ``height`` metres swings the legs at ``speed`` m/s (1.0 at a comfortable walk)."""
    return 1.0 + 0.35 * (speed / (0.78 * height) - 1.0)


def _arm_angles(look: Look, mode: str, side: int, phase: float, swing: float) -> tuple[float, float, float]:
    """Upper arm, elbow and outward angle in radians."""
    if mode == "ride":
        return 0.85, 0.35, 0.12
    if look.arms == "phone" and side > 0:
        return 0.35, 1.75, 0.10
    if mode == "sit":
        return 0.45, 0.85, 0.10
    if look.arms == "pocket":
        return -0.22, 0.62, 0.17
    if mode == "stand":
        return 0.02 - 0.05 * side, 0.16 + 0.05 * side, 0.11
    beat = math.cos(2 * math.pi * (phase + (0.5 if side > 0 else 0.0)))
    forward = 0.05 - 0.42 * swing * beat * (0.45 if look.bag == "hand" and side > 0 else 1.0)
    return forward, 0.26 + 0.30 * max(forward, 0.0), 0.10


def skeleton(look: Look, mode: str, phase: float, swing: float) -> dict[str, FloatArray]:
    """Joints (3,) in metres, x to the body's right, y forward, z up, the ground at z = 0 under the body's centre.

    ``phase`` counts gait cycles; ``swing`` is :func:`vigour`. Joints: hip, knee, ankle, heel, toe, shoulder, elbow,
    wrist and hand with suffix ``_l`` or ``_r``; pelvis, chest, neck and head.
    """
    h = look.height
    joints: dict[str, FloatArray] = {}
    lowest = 0.0
    lean = {"walk": 0.05, "stand": 0.0, "sit": -0.12, "ride": 0.5}[mode]
    for name, side in (("l", -1), ("r", 1)):
        at = phase + (0.5 if side > 0 else 0.0)
        if mode == "walk":
            hip, knee, foot = _leg(at, swing)
        elif mode == "stand":
            hip, knee, foot = 0.03 * side + 0.02, 0.05, 0.0
        elif mode == "sit":
            hip, knee, foot = 1.42, 1.36 + 0.12 * side, 0.0
        else:
            turn = 2 * math.pi * at
            hip, knee, foot = 0.85 + 0.35 * math.cos(turn), 0.95 + 0.42 * math.cos(turn + 0.6), -0.15
        spread = 0.02 * side if mode == "stand" else 0.004 * side
        hip_at = np.array([HIP_HALF * side, 0.0, 0.0])
        knee_at = hip_at + THIGH * np.array([spread, math.sin(hip), -math.cos(hip)])
        shank = hip - knee
        ankle_at = knee_at + SHIN * np.array([spread, math.sin(shank), -math.cos(shank)])
        c, s = math.cos(foot), math.sin(foot)
        heel = ankle_at + np.array([0.006 * side, -0.022 * c + SOLE * 0.7 * s, -SOLE * 0.7 * c - 0.022 * s])
        toe = ankle_at + np.array([0.018 * side, 0.10 * c + SOLE * 0.8 * s, -SOLE * 0.8 * c + 0.10 * s])
        lowest = min(lowest, float(heel[2]) - 0.011, float(toe[2]) - 0.010)
        joints |= {
            f"hip_{name}": hip_at,
            f"knee_{name}": knee_at,
            f"ankle_{name}": ankle_at,
            f"heel_{name}": heel,
            f"toe_{name}": toe,
        }
    rise = -lowest
    if mode == "sit":
        rise = 0.48 / h + 0.03
    elif mode == "ride":
        rise = 0.98 / h
    twist = 0.12 * swing * math.cos(2 * math.pi * phase) if mode == "walk" else 0.0
    up = np.array([0.0, math.sin(lean), math.cos(lean)])
    across = np.array([math.cos(twist), math.sin(twist), 0.0])
    joints["pelvis"] = np.zeros(3)
    joints["chest"] = 0.2 * up
    joints["neck"] = NECK_RISE * up
    head_lean = lean * 0.5
    joints["head"] = 0.335 * up + (HEAD_RISE - 0.335) * np.array([0.0, math.sin(head_lean) + 0.12, math.cos(head_lean)])
    for name, side in (("l", -1), ("r", 1)):
        upper, elbow, out = _arm_angles(look, mode, side, phase, swing)
        shoulder = (SHOULDER_RISE + 0.002) * up + across * side * 0.100 * look.broad
        outward = across * (side * math.sin(out))
        upper += lean * (1.0 if mode == "ride" else 0.3)
        elbow_at = shoulder + UPPER_ARM * (outward + np.array([0.0, math.sin(upper), -math.cos(upper)]))
        lower = upper + elbow
        inward = across * (-side * (0.22 if elbow > 0.8 else 0.02))
        wrist = elbow_at + FOREARM * (inward + np.array([0.0, math.sin(lower), -math.cos(lower)]))
        hand = wrist + 0.045 * (inward + np.array([0.0, math.sin(lower + 0.1), -math.cos(lower + 0.1)]))
        joints |= {
            f"shoulder_{name}": shoulder,
            f"elbow_{name}": elbow_at,
            f"wrist_{name}": wrist,
            f"hand_{name}": hand,
        }
    lift = np.array([0.0, 0.0, rise])
    return {name: (joint + lift) * h for name, joint in joints.items()}
