"""The seam between regions and pixels: what a method is given and what it returns."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from importlib.metadata import entry_points
from typing import Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from mot_anon.errors import OptionError
from mot_anon.vision.heads import Portrait
from mot_anon.vision.look import Look

Pixels = NDArray[np.float32]
CIAGAN, WHOLE_HEADS = "ciagan", "heads"
TARGETS = ("body", "face", "both")


@dataclass(frozen=True)
class Shape:
    """Where somebody is drawn, as a generator wants it: a window of the frame at its own size, 128×64.

    Attributes
    ----------
    window:
        (4,) x1, y1, x2, y2: where the window lies in the item's crop, in whole pixels; may leave it.
    surroundings:
        (128, 64, 3) float32 RGB in 0…1: the window with every region filled smoothly from round about.
    silhouette, parts:
        (128, 64) and (4, 128, 64) float32 in 0…1.
    """

    window: NDArray[np.int64]
    surroundings: Pixels
    silhouette: Pixels
    parts: Pixels


@dataclass(frozen=True)
class FaceShape:
    """Where a face is drawn, as a generator wants it: an upright square window of the frame, 64×64.

    The window is that of :func:`mot_anon.vision.landmarks.face_windows`, 1.4 times as large as the landmarks, or where
    whole heads are drawn, that of :func:`mot_anon.vision.heads.portrait_windows`; round a head without landmarks,
    :data:`mot_anon.vision.heads.AROUND` times as large as the head.

    Attributes
    ----------
    window:
        (4,) x1, y1, x2, y2: where the window lies in the item's crop, in whole pixels; may leave it.
    surroundings:
        (64, 64, 3) float32 RGB in 0…1: the window with the hole, and every other region, filled smoothly from round
        about; forehead, hair and neck are there, but where whole heads are drawn: then as regions were filled.
    landmarks:
        (64, 64) float32 in 0…1: :func:`~mot_anon.vision.landmarks.draw_landmarks` of the points, smoothed along the
        track; if not ``usable``, 0 everywhere.
    hole:
        (64, 64) float32 in 0…1: what is drawn anew, :func:`~mot_anon.vision.landmarks.draw_holes` of the points; where
        whole heads are drawn, where one may be: :func:`~mot_anon.vision.heads.portrait_ovals`; or if not ``usable``,
        where a parser sees head and neck: :func:`~mot_anon.gan.heads.head_shares`.
    confidence:
        0…1: how sure the landmarks are in this frame.
    usable:
        Whether a face is drawn after them; decided for stretches of a track, so that faces do not come and go.  If not,
        the item is a whole head (``Item.silhouette``) to be covered.
    points:
        (68, 2) float32: the points themselves, as fractions of the window; None if not ``usable``.
    head:
        (64, 64) float32 in 0…1: the person's silhouette, where whole heads are drawn and landmarks are usable; else,
        and where no parser looked, None.
    turned:
        (3, 64, 64) float32 in 0…1: what the generator of heads is told
        (:class:`~mot_anon.gan.heads.HeadGenerator`); None if ``usable``.
    skin:
        (4,) float32: the skin that shows below the face, over the light of the place, along the track, and how sure
        that is, 0…1; None where nobody looked for it.
    """

    window: NDArray[np.int64]
    surroundings: Pixels
    landmarks: Pixels
    hole: Pixels
    confidence: float
    usable: bool
    points: Pixels | None = field(default=None, repr=False)
    head: Pixels | None = field(default=None, repr=False)
    turned: Pixels | None = field(default=None, repr=False)
    skin: Pixels | None = field(default=None, repr=False)


@dataclass(frozen=True)
class Item:
    """One region to replace, at the resolution of the frame.

    Attributes
    ----------
    erased:
        (H, W, 3) float32 RGB in 0…1: the crop with every region of the frame removed.
    silhouette:
        (H, W) float32 in 0…1: where the visible person is.
    code:
        (24,) float32: the identity code, standard normal.
    head:
        Size of the head in pixels, seen or not.
    recolouring:
        32 bits that the key gives to the camera.
    raw:
        (H, W, 3) float32 RGB in 0…1, the crop as it was; None unless the method asks for it.
    shape:
        Where to draw somebody; None unless the method asks for silhouettes.  ``silhouette`` is soft then.
    face:
        Where to draw a face; None unless the method asks for faces.  ``silhouette`` is soft then: 1 inside the hole, 0
        where the region ends, and good as an alpha.
    look:
        How the camera shows people, where that is known.
    portrait:
        The face that shows of somebody near the camera who is drawn, its landmarks in pixels of the crop; None where
        none does.
    tight:
        The silhouette follows the person's outline, and what is beside it in ``raw`` is published as it is: a mean over
        both would tell what the person's few pixels in it are.
    """

    erased: Pixels
    silhouette: Pixels
    code: NDArray[np.float32] = field(repr=False)
    head: float
    recolouring: int = field(repr=False)
    raw: Pixels | None = None
    shape: Shape | None = None
    face: FaceShape | None = None
    portrait: Portrait | None = None
    tight: bool = False
    look: Look | None = None


@runtime_checkable
class Method(Protocol):
    """How a region is replaced.  Pure: the same items give the same pixels, whatever came before.

    Attributes
    ----------
    name:
        As on the command line.
    targets:
        Which of body, face and both it can do.
    needs_raw:
        Whether it must see the raw crop; only then is it handed one.
    uses_identity:
        Whether the identity policy matters to it.
    wants_silhouettes:
        Whether it replaces the visible person, not the box: then everybody is parsed and items have a ``shape``.
        Other methods cover boxes, or whatever mask they are asked to (``--shape``).
    control:
        Does not protect anybody; publishing with it must be asked for.
    wants_faces:
        Whether it draws faces after landmarks: then every item of target ``face`` has a ``face``.  A method without
        this attribute does not.
    wants_heads:
        Whether it draws the heads to the faces, too, hair and all; only beside ``wants_faces``, and as that.
    """

    name: str
    targets: frozenset[str]
    needs_raw: bool
    uses_identity: bool
    wants_silhouettes: bool
    control: bool

    def parameters(self) -> dict[str, float | int | str]:
        """What distinguishes it from the same method with other settings; goes into ``anonymization.json``."""
        ...

    def render(self, batch: Sequence[Item]) -> list[tuple[Pixels, Pixels]]:
        """Items → (rgb (H, W, 3), alpha (H, W)) each, float32 in 0…1, laid over ``erased`` inside the silhouette."""
        ...


@dataclass(frozen=True)
class Wishes:
    """What planning has to look for, for the sake of a method.

    Attributes
    ----------
    silhouettes:
        Parse everybody: for methods that replace the visible person and not the box.
    restored:
        Look at what is behind them, too: for methods that show it.  Others cover whoever is not surely seen with the
        whole box; what a parser only doubts costs them nothing to cover.
    faces:
        Read landmarks of faces (target ``face``); a head that a parser sees is covered no wider than it is.
    heads:
        The heads to them are drawn, too.
    """

    silhouettes: bool = False
    restored: bool = True
    faces: bool = False
    heads: bool = False

    @classmethod
    def of(cls, method: Method, target: str, *, silhouettes: bool = False) -> Wishes:
        """Those of a method for a target; ``silhouettes`` are asked for by ``--shape``."""
        bodies, faces, heads = (
            bool(getattr(method, name, False)) for name in ("wants_silhouettes", "wants_faces", "wants_heads")
        )
        face = target == "face"
        return cls(bodies or silhouettes, bodies, faces and face, heads and face)


Factory = Callable[[int | None], Method]


def default_method(target: str) -> str:
    """What a target is replaced by where nobody says how: bodies are drawn anew, faces become mosaics.

    Faces that the generator draws are an experiment still.
    """
    return "pixelate" if target == "face" else CIAGAN


def make_method(name: str, strength: int | None = None, target: str = "body") -> Method:
    """A method by name, with its strength or the default one.

    ``ciagan`` has one network for bodies and one for faces: the target decides, ``both`` draws bodies with their heads.
    ``heads``, for target ``face``, draws all of a head.

    Raises
    ------
    OptionError
        No method of that name, or a strength that it does not have.
    """
    from mot_anon.methods.classical import METHODS

    if name in METHODS:
        return METHODS[name](strength)
    if name == CIAGAN:
        from mot_anon.methods.ciagan import Ciagan
        from mot_anon.methods.ciagan_face import CiaganFace

        if strength is not None:
            raise OptionError(f"method {name} has no --strength")
        return CiaganFace() if target == "face" else Ciagan()
    if name == WHOLE_HEADS:
        from mot_anon.methods.whole_heads import WholeHeads

        if strength is not None:
            raise OptionError(f"method {name} has no --strength")
        return WholeHeads()
    plug_ins = {point.name: point for point in entry_points(group="mot_anon.methods")}
    if name not in plug_ins:
        raise OptionError(f"no method {name!r}; there is: {', '.join([*METHODS, CIAGAN, WHOLE_HEADS, *plug_ins])}")
    made: Method = plug_ins[name].load()(strength)
    return made
