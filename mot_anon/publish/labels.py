"""What stands beside the frames of a published sequence: ground truth, detections and ``seqinfo.ini``."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping

from mot_anon.data.motchallenge import rewrite
from mot_anon.data.sequence import Sequence, seqinfo_text
from mot_anon.plan.keys import Key

IdMap = Mapping[int, int]


def permuted_ids(sequences: Iterable[Sequence], key: Key) -> dict[str, dict[int, int]]:
    """Camera → a keyed permutation of all ids that stand in the ground truth of its sequences."""
    ids: dict[str, set[int]] = {}
    for sequence in sequences:
        ids.setdefault(sequence.camera, set()).update(map(int, sequence.gt()["id"].unique()))
    return {camera: key.permutation(sorted(found), "ids", camera) for camera, found in ids.items()}


def label_files(sequence: Sequence, id_map: IdMap | None = None) -> dict[str, bytes]:
    """Path below the published sequence → contents.

    Numbers stand as they stood.  With ``id_map`` ground truth gets its ids from there, and detections lose what they
    have in the place of an id (−1 in every benchmark), since it could be an id of ground truth.
    """
    files = {"seqinfo.ini": seqinfo_text(sequence)}
    if sequence.gt_path is not None:
        files["gt/gt.txt"] = rewrite(sequence.gt_path, n_frames=sequence.n_frames, id_map=id_map)
    if sequence.det_path is not None:
        none = None if id_map is None else defaultdict[int, int](lambda: -1)
        files["det/det.txt"] = rewrite(sequence.det_path, n_frames=sequence.n_frames, id_map=none)
    return {name: text.encode("utf-8") for name, text in files.items()}
