"""The secret: 32 bytes, and everything that is derived from it.

All identity codes, colours and permutations come from one versioned HMAC-SHA256 stream over length-prefixed fields,
so that two different derivations can never share a stream, and from integer arithmetic of our own, so that no version
of numpy changes them.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import os
import secrets
import stat
from collections.abc import Iterator, Sequence
from functools import lru_cache
from pathlib import Path
from statistics import NormalDist
from typing import NoReturn

import numpy as np
from numpy.typing import NDArray

from mot_anon.errors import KeyFileError

KEY_BYTES = 32
ENVIRONMENT = "MOT_ANON_KEY"
_VERSION = b"mot_anon/1"
#: A published key for demos, tests and baselines: anybody can undo what was made with it.
TEST_KEY = hashlib.sha256(b"mot_anon published test key").digest()


class Key:
    """A key that never shows itself: ``repr`` and pickles carry nothing of it.

    Parameters
    ----------
    secret:
        32 bytes.
    """

    __slots__ = ("_secret",)

    def __init__(self, secret: bytes) -> None:
        if len(secret) != KEY_BYTES:
            raise KeyFileError(
                f"a key has {KEY_BYTES} bytes, this one has {len(secret)}; make one with mot-anon keygen"
            )
        self._secret = bytes(secret)

    def __repr__(self) -> str:
        return "Key(…)"

    def __reduce__(self) -> NoReturn:
        raise TypeError("keys are not pickled: workers get plans, never the key")

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Key) and hmac.compare_digest(self._secret, other._secret)

    __hash__ = None  # type: ignore[assignment]

    def stream(self, purpose: str, *fields: str) -> Iterator[int]:
        """Endless 32-bit integers, 0…2³²−1, that the key, the purpose and the fields determine."""
        message = b"".join(
            len(part).to_bytes(4, "big") + part for part in (_VERSION, purpose.encode(), *(f.encode() for f in fields))
        )
        counter = 0
        while True:
            block = hmac.new(self._secret, message + counter.to_bytes(8, "big"), hashlib.sha256).digest()
            for position in range(0, len(block), 4):
                yield int.from_bytes(block[position : position + 4], "big")
            counter += 1

    def normals(self, purpose: str, *fields: str, size: int) -> NDArray[np.float16]:
        """(size,) standard normal numbers, rounded to float16."""
        stream = self.stream(purpose, *fields)
        return np.array([_normal(next(stream)) for _ in range(size)], np.float16)

    def permutation(self, items: Sequence[int], purpose: str, *fields: str) -> dict[int, int]:
        """A keyed permutation of the sorted ``items`` (Fisher–Yates with rejection): item → item."""
        old = sorted(set(items))
        new = list(old)
        stream = self.stream(purpose, *fields)
        for last in range(len(new) - 1, 0, -1):
            other = _below(stream, last + 1)
            new[last], new[other] = new[other], new[last]
        return dict(zip(old, new, strict=True))

    def derived(self, purpose: str, *fields: str) -> Key:
        """Another key, from which this one cannot be found."""
        stream = self.stream(purpose, *fields)
        return Key(b"".join(next(stream).to_bytes(4, "big") for _ in range(KEY_BYTES // 4)))

    def write(self, path: Path) -> None:
        """Write the 32 bytes to a new file that only its owner can read; an existing file is left alone."""
        try:
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        except FileExistsError:
            raise KeyFileError(f"{path}: exists already; a key is never overwritten") from None
        except OSError as error:
            raise KeyFileError(f"{path}: cannot be written ({error.strerror})") from None
        with os.fdopen(descriptor, "wb") as file:
            file.write(self._secret)
            file.flush()
            os.fsync(file.fileno())

    def found_in(self, data: bytes) -> str | None:
        """How the key stands in ``data`` (``bytes``, ``hex`` or ``base64``), or None where it does not."""
        if self._secret in data:
            return "bytes"
        if self._secret.hex().encode() in data.lower():
            return "hex"
        plain = base64.b64encode(self._secret).rstrip(b"=")
        return "base64" if plain in data or base64.urlsafe_b64encode(self._secret).rstrip(b"=") in data else None


def draw_key() -> Key:
    """A fresh key from the operating system's random generator."""
    return Key(secrets.token_bytes(KEY_BYTES))


def load_key(path: Path | None) -> Key | None:
    """The key of a file (32 bytes, mode 0600) or of ``MOT_ANON_KEY`` (64 hex digits or base64); None without either.

    Raises
    ------
    KeyFileError
        Not there, of the wrong length, or readable by group or others.
    """
    if path is None:
        text = os.environ.get(ENVIRONMENT)
        return _from_text(text.strip()) if text else None
    try:
        mode = path.stat().st_mode
        secret = path.read_bytes()
    except OSError as error:
        raise KeyFileError(f"{path}: key cannot be read ({error.strerror}); make one with mot-anon keygen") from None
    if os.name == "posix" and mode & (stat.S_IRWXG | stat.S_IRWXO):
        raise KeyFileError(f"{path}: key can be read by others (mode {mode & 0o777:04o}); chmod 600 it")
    if len(secret) != KEY_BYTES:
        raise KeyFileError(
            f"{path}: holds {len(secret)} bytes where a key has {KEY_BYTES}; make one with mot-anon keygen"
        )
    return Key(secret)


def _from_text(text: str) -> Key:
    try:
        if len(text) == 2 * KEY_BYTES:
            return Key(bytes.fromhex(text))
        return Key(base64.b64decode(text, validate=True))
    except (ValueError, binascii.Error):
        raise KeyFileError(f"{ENVIRONMENT} is neither 64 hex digits nor base64 of {KEY_BYTES} bytes") from None


def _below(stream: Iterator[int], bound: int) -> int:
    limit = (1 << 32) // bound * bound  # what is above would favour small numbers
    while (number := next(stream)) >= limit:
        pass
    return number % bound


@lru_cache(maxsize=1)
def _unit_normal() -> NormalDist:
    return NormalDist()


def _normal(number: int) -> float:
    # The last bits of inv_cdf may differ between C libraries; rounding to float16 afterwards hides them.
    return _unit_normal().inv_cdf((number + 0.5) / (1 << 32))
