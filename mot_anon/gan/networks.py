"""Generator and discriminator, for bodies (128×64) unless they are asked for otherwise.

After CIAGAN (Maximov et al., CVPR 2020): an encoder-decoder that sees where somebody is and nothing of who it is, told
by a code whom to draw, and a critic that sees the finished picture.  Otherwise than there the code is continuous, goes
into every layer of the decoder (FiLM, Perez et al., AAAI 2018), and the critic compares picture and code by a
projection (Miyato & Koyama, ICLR 2018) under spectral normalisation.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import cast

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn.utils.parametrizations import spectral_norm

from mot_anon.gan.identity import CODE_SIZE
from mot_anon.vision.bodies import PARTS
from mot_anon.vision.weights import reduced_precision

SIZE = (128, 64)
"""Height and width of a picture."""
SHAPE_CHANNELS = 1 + len(PARTS)
"""Silhouette and parts."""
WIDTHS = (32, 64, 128, 192, 192)
_STYLE, _BATCH = 256, 32


class GeneratorNetwork(nn.Module):
    """Background, shape and code in, picture out.

    Parameters
    ----------
    shape_channels:
        Number of maps that say where to draw; the first is where the picture differs from the background.
    widths:
        Channels from fine to coarse; every step halves the size.
    """

    def __init__(self, shape_channels: int = SHAPE_CHANNELS, widths: Sequence[int] = WIDTHS) -> None:
        super().__init__()
        inputs = 3 + shape_channels
        # The first layer is not normalised: the light of the place must reach the decoder.
        self.first = nn.Conv2d(inputs, widths[0], 3, 1, 1)
        self.down = nn.ModuleList(_Layer(a, b, stride=2) for a, b in itertools.pairwise(widths))
        self.style = nn.Sequential(
            nn.Linear(CODE_SIZE, _STYLE), nn.LeakyReLU(0.2), nn.Linear(_STYLE, _STYLE), nn.LeakyReLU(0.2)
        )
        deepest = widths[-1]
        self.deep = nn.ModuleList(_Layer(deepest, deepest, style=_STYLE) for _ in range(2))
        upwards = list(reversed(widths))
        self.narrow = nn.ModuleList(nn.Conv2d(a, b, 1) for a, b in itertools.pairwise(upwards))
        self.up = nn.ModuleList(_Layer(2 * b, b, style=_STYLE) for b in upwards[1:])
        finest = range(len(upwards) - 3, len(upwards) - 1)
        self.refine = nn.ModuleDict(
            {str(level): _Layer(upwards[level + 1], upwards[level + 1], style=_STYLE) for level in finest}
        )
        self.last = nn.Conv2d(widths[0], 4, 3, 1, 1)

    def forward(self, background: Tensor, shape: Tensor, codes: Tensor) -> Tensor:
        """Draw somebody.

        Parameters
        ----------
        background:
            (N, 3, H, W) in −1…1, people filled from round about.
        shape:
            (N, C, H, W) in 0…1: silhouette and parts, or hole and landmarks.
        codes:
            (N, 24); their length does not matter.

        Returns
        -------
        (N, 3, H, W) in −1…1.  Round the person it goes over into ``background`` where the network wants.
        """
        style = self.style(unit(codes))
        maps = F.leaky_relu(self.first(torch.cat([background, shape], 1)), 0.2)
        skips = []
        for layer in self.down:
            skips.append(maps)
            maps = layer(maps)
        maps = maps + self.deep[1](self.deep[0](maps, style), style)
        for level, (layer, skip) in enumerate(zip(self.up, reversed(skips), strict=True)):
            # Narrowed before it grows: the widest layers at the finest size are what costs time.
            maps = F.interpolate(self.narrow[level](maps), scale_factor=2, mode="bilinear", align_corners=False)
            maps = layer(torch.cat([maps, skip], 1), style)
            if str(level) in self.refine:
                maps = maps + self.refine[str(level)](maps, style)
        drawn = self.last(maps).float()
        opacity = torch.sigmoid(drawn[:, 3:] + 6 * shape[:, :1] - 2)
        return torch.tanh(drawn[:, :3]) * opacity + background * (1 - opacity)


def draw_windows(
    network: GeneratorNetwork,
    surroundings: NDArray[np.float32],
    shapes: NDArray[np.float32],
    codes: NDArray[np.float32],
    *,
    channels: int,
    size: tuple[int, int],
) -> NDArray[np.float32]:
    """Draw somebody into each of N windows with a frozen generator.

    Parameters
    ----------
    surroundings:
        (N, H, W, 3) RGB in 0…1.
    shapes:
        (N, C, H, W) in 0…1.
    codes:
        (N, 24).
    channels, size:
        C, and (H, W), as the generator wants them.

    Returns
    -------
    (N, H, W, 3) float32 RGB in 0…1.

    Raises
    ------
    ValueError
        Windows, shapes or codes of other sizes.
    """
    n = len(surroundings)
    expected = ((n, *size, 3), (n, channels, *size), (n, CODE_SIZE))
    if (found := (surroundings.shape, shapes.shape, codes.shape)) != expected:
        raise ValueError(f"windows, shapes and codes are {found} where {expected} is needed")
    drawn = [np.zeros((0, *size, 3), np.float32)]
    for start in range(0, n, _BATCH):
        some = slice(start, start + _BATCH)
        around = torch.from_numpy(np.ascontiguousarray(surroundings[some], np.float32)).permute(0, 3, 1, 2) * 2 - 1
        shape = torch.from_numpy(np.ascontiguousarray(shapes[some], np.float32))
        code = torch.from_numpy(np.asarray(codes[some], np.float32))
        with torch.inference_mode(), reduced_precision():
            pictures = network(around.contiguous(), shape, code)
        drawn.append(((pictures.float() + 1) / 2).clamp(0, 1).permute(0, 2, 3, 1).numpy())
    return np.concatenate(drawn)


@torch.no_grad()
def follow_whitening(layer: nn.Linear, before: Tensor, after: Tensor) -> Tensor:
    """Weights with which a layer that learnt codes of one whitening understands those of another.

    Parameters
    ----------
    layer:
        The first that sees codes: of a generator's style or of a critic's projection.
    before, after:
        (128, N) and (128, M): what the embeddings were multiplied by to give codes, and what they are now; round the
        same mean.  What codes no longer say is taken for average.  Lengths of codes do not matter (:func:`unit`), so
        only this layer has to be turned.
    """
    turn = torch.linalg.pinv(after.double()) @ before.double()
    drawn = torch.randn(20000, after.shape[1], generator=torch.Generator().manual_seed(0)).double()
    length = before.shape[1] ** 0.5 / (drawn @ turn).norm(dim=1).mean()
    return (layer.weight.double() @ turn.T * length).float()


@torch.no_grad()
def move_codes(layer: nn.Linear, matrix: Tensor, mean: Tensor) -> None:
    """Let a layer that sees codes take every code z for ``matrix`` @ z + ``mean``, (N, N) and (N,)."""
    layer.bias.add_(layer.weight @ mean)
    layer.weight.copy_(layer.weight @ matrix)


class _Layer(nn.Module):
    def __init__(self, before: int, after: int, *, stride: int = 1, style: int = 0) -> None:
        super().__init__()
        self.convolution = nn.Conv2d(before, after, 3, stride, 1)
        self.norm = nn.InstanceNorm2d(after, affine=not style)
        self.film = nn.Linear(style, 2 * after) if style else None

    def forward(self, maps: Tensor, style: Tensor | None = None) -> Tensor:
        maps = self.norm(self.convolution(maps))
        if self.film is not None and style is not None:
            scale, offset = self.film(style)[:, :, None, None].chunk(2, 1)
            maps = maps * (1 + scale) + offset
        return F.leaky_relu(maps, 0.2)


class DiscriminatorNetwork(nn.Module):
    """The critic: real pictures of the asked-for person above zero, others below, patch by patch and as a whole.

    Parameters
    ----------
    channels:
        Of pictures and shapes together.
    widths:
        Channels of the three layers that halve the size.
    asks:
        Whether it asks who is in the picture: without codes it knows nobody.
    """

    def __init__(
        self, channels: int = 3 + SHAPE_CHANNELS, widths: Sequence[int] = (64, 128, 256), asks: bool = True
    ) -> None:
        super().__init__()
        through, last = [channels, *widths], widths[-1]
        self.layers = nn.ModuleList(spectral_norm(nn.Conv2d(a, b, 4, 2, 1)) for a, b in itertools.pairwise(through))
        self.patch = nn.ModuleList(
            [spectral_norm(nn.Conv2d(last, last, 3, 1, 1)), spectral_norm(nn.Conv2d(last, 1, 3, 1, 1))]
        )
        self.whole = spectral_norm(nn.Conv2d(last, last, 4, 2, 1))
        self.judge = spectral_norm(nn.Linear(last, 1))
        self.project = spectral_norm(nn.Linear(CODE_SIZE, last)) if asks else None

    def forward(self, pictures: Tensor, shape: Tensor, codes: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """(N, 3, H, W), (N, C, H, W), (N, 24) → scores of patches (N, 1, H/8, W/8), and of the whole (N,)."""
        maps = torch.cat([pictures, shape], 1)
        for layer in self.layers:
            maps = F.leaky_relu(layer(maps), 0.2)
        maps = F.leaky_relu(self.patch[0](maps), 0.2)
        coarse = F.leaky_relu(self.whole(maps), 0.2).mean((2, 3))
        if self.project is None or codes is None:
            return self.patch[1](maps).float(), self.judge(coarse)[:, 0].float()
        agree = ((maps.mean((2, 3)) + coarse) * self.project(unit(codes))).sum(1) / 16
        return self.patch[1](maps).float() + agree.float()[:, None, None, None], self.judge(coarse)[:, 0].float()


class OnlookerNetwork(nn.Module):
    """A critic that sees what a network saw that learnt on other pictures (Sauer et al., NeurIPS 2021).

    What photographs have in common it need not learn first, and a generator cannot please it with mottles.  Maps are
    mixed at random before they are looked at, so that no channel is looked at alone; one judgement for each scale.

    Parameters
    ----------
    scales:
        Channels of the maps that it is given.
    mixed, width:
        Channels after mixing, and of its own layer.
    shapes:
        Channels of shapes.
    """

    def __init__(self, scales: Sequence[int], mixed: int = 64, width: int = 128, shapes: int = SHAPE_CHANNELS) -> None:
        super().__init__()
        for number, channels in enumerate(scales):
            self.register_buffer(f"mixing{number}", torch.randn(mixed, channels, 1, 1) / channels**0.5)
        inputs = mixed + shapes
        self.layers = nn.ModuleList(spectral_norm(nn.Conv2d(inputs, width, 3, 1, 1)) for _ in scales)
        self.judge = nn.ModuleList(spectral_norm(nn.Conv2d(width, 1, 3, 1, 1)) for _ in scales)
        self.project = nn.ModuleList(spectral_norm(nn.Linear(CODE_SIZE, width)) for _ in scales)

    def forward(self, seen: Sequence[Tensor], shape: Tensor, codes: Tensor) -> tuple[Tensor, ...]:
        """Maps (N, C, h, w) of every scale, (N, S, H, W), (N, 24) → scores (N, 1, h, w) of every scale."""
        scores = []
        for number, maps in enumerate(seen):
            mixed = F.conv2d(maps, self.get_buffer(f"mixing{number}"))
            there = F.adaptive_avg_pool2d(shape, (maps.shape[-2], maps.shape[-1]))
            found = F.leaky_relu(self.layers[number](torch.cat([mixed, there], 1)), 0.2)
            agree = (found.mean((2, 3)) * self.project[number](unit(codes))).sum(1) / 16
            scores.append(self.judge[number](found).float() + agree.float()[:, None, None, None])
        return tuple(scores)


def unit(codes: Tensor) -> Tensor:
    """Codes at the length that standard normal numbers have on average, so that an average of codes is a code."""
    return cast(Tensor, F.normalize(codes.float(), dim=1) * CODE_SIZE**0.5)
