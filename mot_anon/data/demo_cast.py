"""Who acts in the demo: sixteen people with build, skin, hair and clothes of their own, and a few extras."""

from __future__ import annotations

from dataclasses import dataclass

Colour = tuple[int, int, int]
"""Blue, green, red, 0..255."""


@dataclass(frozen=True)
class Look:
    """How one person looks, in every camera. Lengths in metres, colours BGR.

    ``bottom_kind`` is trousers, shorts, skirt or dress; ``top_kind`` shirt, tee, jacket or coat; ``pattern`` plain,
    hoops, pinstripes, checks or print; ``hair_kind`` short, long, bun or bald; ``hat`` none, cap, beanie or brim;
    ``bag`` none, backpack, shoulder or hand; ``arms`` swing, phone or pocket.
    """

    height: float
    broad: float
    skin: Colour
    hair: Colour
    hair_kind: str
    top: Colour
    top_kind: str
    second: Colour
    pattern: str
    bottom: Colour
    bottom_kind: str
    shoes: Colour
    hat: str = "none"
    hat_colour: Colour = (40, 40, 40)
    bag: str = "none"
    bag_colour: Colour = (40, 60, 90)
    arms: str = "swing"


# One line of build and top, one of bottom and belongings; the formatter would give every word a line.
# fmt: off
_PALE, _LIGHT, _TAN, _BROWN, _DARK = (172, 194, 230), (142, 172, 214), (118, 152, 204), (74, 104, 158), (48, 64, 98)
_BLACK, _BRUNETTE, _CHESTNUT, _BLOND, _GREY, _GINGER = (
    (24, 22, 24),
    (30, 40, 62),
    (40, 62, 104),
    (110, 170, 212),
    (168, 170, 172),
    (44, 92, 178),
)
_WHITE, _INK, _DENIM = (232, 234, 236), (38, 34, 34), (138, 96, 62)
_NAVY, _SAND, _OLIVE = (84, 48, 32), (146, 178, 204), (62, 92, 92)
_LEATHER, _SNEAKER = (36, 48, 74), (220, 222, 224)

CAST: tuple[Look, ...] = (
    Look(
        1.80, 1.05, _LIGHT, _BRUNETTE, "short", (44, 42, 176), "jacket", _WHITE, "plain",
        _DENIM, "trousers", _SNEAKER,
    ),
    Look(
        1.68, 0.92, _PALE, _BLOND, "long", (196, 140, 50), "coat", (90, 60, 40), "plain",
        _INK, "trousers", _LEATHER, bag="shoulder", bag_colour=(50, 90, 160),
    ),
    Look(
        1.77, 1.00, _DARK, _BLACK, "short", _WHITE, "shirt", _NAVY, "hoops",
        (60, 54, 50), "trousers", _INK, bag="backpack", bag_colour=(60, 140, 40),
    ),
    Look(
        1.64, 0.90, _TAN, _BLACK, "bun", (64, 170, 226), "tee", _WHITE, "plain",
        (140, 60, 96), "skirt", _SNEAKER, bag="hand", bag_colour=(48, 40, 120),
    ),
    Look(
        1.86, 1.08, _PALE, _GINGER, "short", (70, 96, 44), "jacket", (190, 200, 200), "plain",
        _SAND, "trousers", _LEATHER, arms="pocket",
    ),
    Look(
        1.72, 0.95, _BROWN, _BLACK, "long", (150, 60, 130), "shirt", _WHITE, "plain",
        (214, 210, 204), "trousers", _SNEAKER, arms="phone",
    ),
    Look(
        1.75, 1.10, _LIGHT, _GREY, "short", (72, 66, 64), "coat", (40, 40, 150), "plain",
        (48, 44, 44), "trousers", _INK, hat="brim", hat_colour=(52, 56, 62),
    ),
    Look(
        1.70, 0.94, _LIGHT, _CHESTNUT, "long", (214, 220, 226), "tee", (60, 60, 190), "hoops",
        _DENIM, "shorts", _SNEAKER, bag="backpack", bag_colour=(170, 100, 40),
    ),
    Look(
        1.83, 1.02, _BROWN, _BLACK, "bald", (60, 130, 236), "tee", _INK, "print",
        (70, 66, 64), "shorts", _SNEAKER,
    ),
    Look(
        1.66, 0.93, _PALE, _BRUNETTE, "bun", (96, 52, 190), "dress", (230, 220, 240), "print",
        (96, 52, 190), "dress", _LEATHER, bag="shoulder", bag_colour=(60, 60, 64),
    ),
    Look(
        1.78, 1.03, _TAN, _BLACK, "short", (186, 172, 110), "shirt", (90, 80, 40), "checks",
        _NAVY, "trousers", _LEATHER, bag="shoulder", bag_colour=(44, 70, 100),
    ),
    Look(
        1.73, 0.98, _DARK, _BLACK, "short", (44, 190, 214), "jacket", _INK, "plain",
        _INK, "trousers", (60, 60, 200), hat="beanie", hat_colour=(44, 44, 60),
    ),
    Look(
        1.62, 0.96, _LIGHT, _GREY, "bun", (170, 150, 190), "coat", _WHITE, "plain",
        (80, 72, 90), "skirt", _INK, bag="hand", bag_colour=(30, 34, 40),
    ),
    Look(
        1.81, 1.00, _PALE, _BLOND, "short", (96, 60, 36), "shirt", (200, 190, 180), "pinstripes",
        (88, 84, 82), "trousers", _LEATHER, bag="hand", bag_colour=(30, 44, 76),
    ),
    Look(
        1.69, 0.94, _TAN, _BRUNETTE, "long", (120, 150, 60), "tee", (60, 80, 30), "plain",
        (58, 56, 60), "skirt", _SNEAKER, arms="phone",
    ),
    Look(
        1.76, 1.06, _BROWN, _BLACK, "short", (150, 148, 146), "jacket", (60, 60, 180), "plain",
        _OLIVE, "trousers", _SNEAKER, hat="cap", hat_colour=(150, 50, 30),
    ),
)

SITTER = Look(
    1.70, 1.0, _LIGHT, _GREY, "short", (110, 92, 60), "jacket", _WHITE, "plain",
    (84, 92, 100), "trousers", _LEATHER, hat="cap", arms="phone",
)
RIDER = Look(
    1.78, 1.0, _TAN, _BLACK, "short", (52, 60, 204), "tee", _WHITE, "plain",
    (50, 46, 44), "shorts", _SNEAKER, hat="beanie", hat_colour=(200, 200, 206),
)
MANNEQUIN = Look(
    1.78, 0.92, (208, 214, 220), (208, 214, 220), "bald", (60, 80, 190), "jacket", _WHITE, "plain",
    (70, 64, 60), "trousers", _INK,
)
BRONZE = Look(
    1.90, 1.0, (74, 92, 84), (60, 78, 70), "short", (70, 88, 80), "coat", (84, 104, 96), "plain",
    (64, 82, 74), "trousers", (54, 70, 64),
)
# fmt: on
