"""What is looked at while the generator learns: sheets of drawn people, and how far their colours differ."""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from mot_anon.gan.data import WARDROBE, Cast, Places
from mot_anon.vision import augment
from mot_anon.vision.training import Draw


def people_sheet(
    cast: Cast,
    audience: Cast,
    draw: Draw,
    nobody: Callable[[Draw, int], Tensor],
    draw_people: Callable[[Places, Tensor], Tensor],
    people: int,
) -> NDArray[np.uint8]:
    """A picture: people of val; their places; everybody as five training people and as five who do not exist.

    Parameters
    ----------
    cast, audience:
        Training people, and people of val.
    draw:
        What people are chosen by.
    nobody:
        Makes so many codes (n, 24) of people who do not exist.
    draw_people:
        Makes pictures (N, 3, 128, 64) of codes (N, 24) in places.
    people:
        How many of val there are at most.
    """
    people = min(people, len(audience.rows))
    rows = draw.rng.choice(audience.rows, people, replace=False)
    places = audience.still(rows)
    models = draw.rng.choice(cast.rows, 5, replace=False)
    dress = torch.arange(5) % WARDROBE
    codes = torch.cat([cast.codes[dress, torch.from_numpy(models)], nobody(draw, 5)])
    theta = torch.eye(3)[:2].expand(5, 2, 3)
    size = (places.real.shape[-2], places.real.shape[-1])
    shown = augment.warp(augment.to_images(cast.bodies.pixels[models]), theta, size)
    maps = augment.warp(augment.to_maps(cast.maps[models]), theta, size)
    shown = cast.dressed(shown, maps, models, dress)
    grey = torch.zeros_like(shown[:1])
    lines = [torch.cat([grey, places.real]), torch.cat([grey, places.background])]
    lines.append(torch.cat([grey, places.shape[:, 1:4] * 2 - 1]))
    for code, left in zip(codes, torch.cat([shown, grey.expand(5, -1, -1, -1)]), strict=True):
        lines.append(torch.cat([left[None], draw_people(places, code.expand(people, -1))]))
    return augment.sheet([list(line) for line in lines])


def colour_spread(pictures: Tensor, shape: Tensor) -> tuple[float, float]:
    """How much the mean colours of torsos and of legs differ between people: root of the variance in Lab."""
    colours: tuple[list[np.ndarray], list[np.ndarray]] = ([], [])
    for image, maps in zip(augment.to_pixels(pictures), shape.numpy(), strict=True):
        lab = cv2.cvtColor(image.astype(np.float32) / 255, cv2.COLOR_BGR2Lab)
        for found, part in zip(colours, (maps[2], maps[4]), strict=True):
            where = (part > 0.5) & (maps[0] > 0.5)
            if where.sum() > 20:
                found.append(lab[where].mean(0))
    torso, legs = (float(np.sqrt(np.var(np.stack(part), 0).sum())) if len(part) > 1 else 0.0 for part in colours)
    return torso, legs
