"""Weights that ship: safetensors in float16 with the format's name, read without touching global random state."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import TypeVar

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import nn

from mot_anon.errors import FormatError, NotFoundError

Network = TypeVar("Network", bound=nn.Module)


def save_weights(network: nn.Module, out: Path, form: str) -> None:
    """Write a network; ``out`` is complete or not there."""
    out.parent.mkdir(parents=True, exist_ok=True)
    tensors = {
        name: (value.half() if value.dtype == torch.float32 else value).contiguous()
        for name, value in network.state_dict().items()
    }
    partial = out.with_suffix(".partial")
    save_file(tensors, partial, metadata={"format": form})
    partial.chmod(0o644)  # safetensors makes files that only their owner may read
    partial.replace(out)


def load_weights(build: Callable[[], Network], weights: Path, form: str) -> Network:
    """A network with its weights, frozen, in evaluation mode, channels last.

    Raises
    ------
    NotFoundError
        The file is not there (an incomplete install).
    FormatError
        It is broken or holds another network.
    """
    if not weights.is_file():
        raise NotFoundError(f"{weights}: weights are not there; train them (mot-anon train) or install mot_anon again")
    try:
        with safe_open(weights, framework="pt") as file:
            found = (file.metadata() or {}).get("format", "nothing known")
            if found != form:
                raise FormatError(weights, None, f"holds {found!r} where {form!r} is needed")
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 (not a dict)
    except SafetensorError:
        raise FormatError(
            weights, None, "broken weights; train them again (mot-anon train) or fetch them anew"
        ) from None
    with torch.random.fork_rng(devices=[]):  # building layers draws from torch's global generator
        network = build()
    state = network.state_dict()
    if any(name not in tensors or tensors[name].shape != value.shape for name, value in state.items()):
        raise FormatError(weights, None, f"weights of another network than {form!r}; train them again")
    network.load_state_dict({name: tensors[name].to(state[name].dtype) for name in state})
    return network.eval().requires_grad_(False).to(memory_format=torch.channels_last)


def reduced_precision(device: str = "cpu") -> torch.autocast:
    """A context in which networks compute in bfloat16, where the processor is faster at it."""
    return torch.autocast(device, torch.bfloat16, enabled=device != "cpu" or _has_bfloat16())


def content_digest(path: Path) -> str:
    """What a file holds, in 16 hexadecimal digits."""
    return hashlib.sha256(path.read_bytes()).hexdigest()[:16]


@lru_cache(maxsize=1)
def _has_bfloat16() -> bool:
    return bool(torch.ops.mkldnn._is_mkldnn_bf16_supported()) and torch.cpu._is_avx512_bf16_supported()
