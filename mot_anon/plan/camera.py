"""The plan of one recording: its regions frame by frame and an identity code per track.  As secret as the key."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from mot_anon.plan import regions as reg
from mot_anon.plan.faces import usual_head
from mot_anon.plan.heads import FacePlace, Heads
from mot_anon.plan.identities import CAMERA_TRACK, Codes
from mot_anon.plan.moving import MOTION
from mot_anon.plan.plate import Plate
from mot_anon.plan.portraits import Portraits
from mot_anon.plan.silhouettes import Maps, Seen, unpack
from mot_anon.vision.heads import Portrait
from mot_anon.vision.look import Look

_FLOATS = ("x", "y", "w", "h", "visibility")
_SEEN, _HEADS, _PORTRAITS = "seen_", "heads_", "portraits_"
_Place = Callable[[], "Path | io.BytesIO"]


@dataclass(frozen=True)
class Region:
    """One region of one frame, far people first.

    ``box`` is (4,) x, y, w, h in pixels, not clipped, with some room round it where no annotator drew it; ``person``
    False where nobody is sure that it is one; ``head`` (4,) the part that is sure to hold the head; ``cut`` (K, 4)
    boxes of things in front; ``code`` (24,) float32; ``seen`` what a parser saw of the person, where one was asked;
    ``face`` where a face is drawn, for methods that draw faces; ``faced`` whether a face was found in ``head``;
    ``torso`` (48, 48) what of the head's surroundings (:func:`~mot_anon.plan.torsos.torso_window`) is somebody's body;
    ``portrait`` the face that shows of a body that is drawn.
    """

    track: str
    box: NDArray[np.float64]
    person: bool
    head: NDArray[np.float64]
    cut: NDArray[np.float64]
    code: NDArray[np.float32] = field(repr=False)
    seen: Seen | None = field(default=None, repr=False)
    face: FacePlace | None = field(default=None, repr=False)
    faced: bool = False
    torso: Maps | None = field(default=None, repr=False)
    portrait: Portrait | None = None


@dataclass(frozen=True)
class CameraPlan:
    """Everything that rendering needs besides pixels.

    Attributes
    ----------
    camera, recording:
        Names; views of one recording share a plan.
    size, n_frames:
        (width, height) in pixels; length.
    regions:
        Ordered by frame, then far to near (:func:`~mot_anon.plan.regions.order_far_to_near`).
    things:
        Occluders, :data:`~mot_anon.plan.regions.OCCLUDER_COLUMNS`.
    codes, recolouring:
        Identity code of every track, and the 32 bits that choose the camera's colour isometry.
    seen:
        Frame → what is seen of its regions in the order of :meth:`frame`, packed
        (:func:`~mot_anon.plan.silhouettes.pack`); empty where no method asked for it.
    plate:
        What the camera sees where nobody is, where that is known and was asked for.
    heads:
        Where the heads are, in the order of ``regions``, for targets that need them.
    portraits:
        Faces that show of bodies that are drawn, in the order of ``regions``, for methods that draw bodies.
    look:
        How the camera shows people (:func:`~mot_anon.plan.camera_look.camera_look`), where that is known
        and was asked for.
    """

    camera: str
    recording: str
    size: tuple[int, int]
    n_frames: int
    regions: pd.DataFrame = field(repr=False)
    things: pd.DataFrame = field(repr=False)
    codes: Codes = field(repr=False)
    recolouring: int = field(repr=False)
    seen: Mapping[int, Maps] = field(default_factory=dict, repr=False)
    plate: Plate | None = field(default=None, repr=False)
    heads: Heads | None = field(default=None, repr=False)
    portraits: Portraits | None = field(default=None, repr=False)
    look: Look | None = None

    def frame(self, number: int) -> list[Region]:
        """Regions of frame ``number`` (from 1), far to near, hidden ones left out."""
        here = np.flatnonzero((self.regions["frame"] == number) & (self.regions["kind"] != "hidden"))
        rows = self.regions.iloc[here]
        things = self.things.loc[self.things["frame"] == number, ["x", "y", "w", "h"]].to_numpy(float)
        boxes = rows[["x", "y", "w", "h"]].to_numpy(float)
        people = (rows["kind"] == "person").to_numpy()
        packed = self.seen.get(number)
        found = []
        texts = rows[["track", "source", "visibility"]].itertuples(index=False)
        for index, (track, source, visibility) in enumerate(texts):
            nearer = boxes[index + 1 :][people[index + 1 :]]
            cut = reg.believed_occluders(boxes[index], visibility, things, nearer, self.size)
            box = reg.roomy_box(boxes[index]) if source in ("detection", "tracker", "gap", MOTION) else boxes[index]
            face, faced, torso = None, False, None
            if self.heads is None:
                head = usual_head(boxes[index], source)
            else:
                head, faced = self.heads.boxes[here[index]], bool(self.heads.faced[here[index]])
                face = self.heads.place(here[index]) if people[index] else None
                torso = None if self.heads.torsos is None else self.heads.torsos[here[index]]
            code = self.codes[track].astype(np.float32)
            seen = None if packed is None else unpack(packed[index], boxes[index])
            portrait = None if self.portraits is None else self.portraits.of(here[index])
            found.append(Region(track, box, bool(people[index]), head, cut, code, seen, face, faced, torso, portrait))
        return found

    def counts(self) -> dict[str, int]:
        """How many regions of each kind there are, and tracks; safe to publish."""
        kinds = self.regions["kind"].value_counts()
        tracks = self.regions.loc[self.regions["track"] != CAMERA_TRACK, "track"].nunique()
        return {"tracks": int(tracks)} | {kind: int(kinds.get(kind, 0)) for kind in ("person", "unsure", "hidden")}

    def hidden(self) -> dict[str, list[int]]:
        """Track → frames in which nothing of the person is painted, because nothing can be seen (``mark_hidden``)."""
        rows = self.regions[self.regions["kind"] == "hidden"]
        return {str(track): sorted(map(int, frames)) for track, frames in rows.groupby("track")["frame"]}

    def to_bytes(self) -> bytes:
        """Serialise for the work folder and for workers (npz without pickles)."""
        tracks = sorted(self.codes)
        arrays: dict[str, NDArray] = {  # type: ignore[type-arg]
            "meta": np.array([self.camera, self.recording]),
            "numbers": np.array([*self.size, self.n_frames, self.recolouring], np.int64),
            "tracks": np.array(tracks, dtype=np.str_),
            "codes": np.stack([self.codes[track] for track in tracks]),
            "region_text": self.regions[["track", "kind", "source"]].to_numpy(np.str_),
            "region_frame": self.regions["frame"].to_numpy(np.int64),
            "region_numbers": self.regions[list(_FLOATS)].to_numpy(np.float64),
            "things": self.things[reg.OCCLUDER_COLUMNS].to_numpy(np.float64),
        }
        if self.plate is not None:
            arrays |= {"plate": self.plate.pixels, "plate_known": self.plate.known}
        if self.look is not None:
            arrays["look"] = np.array(self.look)
        arrays |= {f"{_SEEN}{number}": packed for number, packed in self.seen.items()}
        if self.heads is not None:
            arrays |= {f"{_HEADS}{name}": part for name, part in vars(self.heads).items() if part is not None}
        if self.portraits is not None:
            arrays |= {f"{_PORTRAITS}{name}": part for name, part in vars(self.portraits).items()}
        buffer = io.BytesIO()
        np.savez_compressed(buffer, **arrays)  # type: ignore[arg-type]
        return buffer.getvalue()

    @classmethod
    def from_bytes(cls, data: bytes) -> CameraPlan:
        """The opposite of :meth:`to_bytes`."""
        return cls._stored(lambda: io.BytesIO(data))

    @classmethod
    def read(cls, path: Path) -> CameraPlan:
        """Read what :meth:`to_bytes` wrote; what was seen in a frame is read when that frame is asked for."""
        return cls._stored(lambda: path)

    @classmethod
    def _stored(cls, place: _Place) -> CameraPlan:
        with np.load(place(), allow_pickle=False) as stored:
            text, numbers = stored["region_text"], stored["numbers"]
            regions = pd.DataFrame({"frame": stored["region_frame"]})
            for position, name in enumerate(("track", "kind", "source")):
                regions[name] = text[:, position].astype(object) if len(text) else pd.Series(dtype=object)
            for position, name in enumerate(_FLOATS):
                regions[name] = stored["region_numbers"][:, position]
            things = pd.DataFrame(stored["things"], columns=reg.OCCLUDER_COLUMNS).astype({"frame": "int64"})
            codes = dict(zip(map(str, stored["tracks"]), stored["codes"], strict=True))
            camera, recording = map(str, stored["meta"])
            plate = Plate(stored["plate"], stored["plate_known"]) if "plate" in stored else None
            look = Look(*map(float, stored["look"])) if "look" in stored else None
            parts = {name.removeprefix(_HEADS): stored[name] for name in stored.files if name.startswith(_HEADS)}
            faces = {
                name.removeprefix(_PORTRAITS): stored[name] for name in stored.files if name.startswith(_PORTRAITS)
            }
            frames = sorted(int(name.removeprefix(_SEEN)) for name in stored.files if name.startswith(_SEEN))
        size = (int(numbers[0]), int(numbers[1]))
        seen = _StoredFrames(frames, place)
        heads, portraits = Heads(**parts) if parts else None, Portraits(**faces) if faces else None
        length, bits = int(numbers[2]), int(numbers[3])
        return cls(camera, recording, size, length, regions, things, codes, bits, seen, plate, heads, portraits, look)


class _StoredFrames(Mapping[int, Maps]):
    """What is seen in every frame, left in the file until it is needed."""

    def __init__(self, frames: list[int], place: _Place) -> None:
        self._frames, self._place = dict.fromkeys(frames), place

    def __getitem__(self, number: int) -> Maps:
        if number not in self._frames:
            raise KeyError(number)
        # Opened every time: an open file would be shared with whoever is forked.
        with np.load(self._place(), allow_pickle=False) as stored:
            return np.asarray(stored[f"{_SEEN}{number}"], np.uint8)

    def __iter__(self) -> Iterator[int]:
        return iter(self._frames)

    def __len__(self) -> int:
        return len(self._frames)
