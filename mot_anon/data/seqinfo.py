"""``seqinfo.ini``: what a sequence says about itself."""

from __future__ import annotations

import configparser
import re
from dataclasses import dataclass
from pathlib import Path

from mot_anon.errors import FormatError

DEFAULT_FPS = 30.0


@dataclass(frozen=True)
class SeqInfo:
    """The ``[Sequence]`` section of a file, empty where there is no file.

    Attributes
    ----------
    path:
        The file.
    values:
        Name → text, as they stand.
    """

    path: Path
    values: dict[str, str]

    @classmethod
    def read(cls, path: Path) -> SeqInfo:
        """Read the file; raises :class:`FormatError` where it is none of this kind."""
        if not path.is_file():
            return cls(path, {})
        parser = configparser.ConfigParser(interpolation=None)
        parser.optionxform = str  # type: ignore[assignment,method-assign]
        try:
            parser.read_string(path.read_text(encoding="utf-8-sig"))
            return cls(path, dict(parser["Sequence"]))
        except configparser.Error as error:
            line = getattr(error, "lineno", None)
            raise FormatError(path, line, "not an .ini file with a [Sequence] section") from None
        except (KeyError, UnicodeDecodeError):
            raise FormatError(path, None, "has no [Sequence] section") from None
        except OSError as error:
            raise FormatError(path, None, f"cannot be read ({error.strerror})") from None

    def positive(self, name: str) -> int | None:
        """A whole number from 1, or None where the file does not have it."""
        text = self.values.get(name)
        if text is not None and (not re.fullmatch("[0-9]{1,9}", text) or int(text) < 1):
            raise self.error(name, "is no size")
        return None if text is None else int(text)

    def frame_rate(self) -> float:
        """Frames a second, 30 where the file does not say."""
        try:
            rate = float(self.values.get("frameRate", DEFAULT_FPS))
        except ValueError:
            rate = 0.0
        if not 0 < rate < 10_000:
            raise self.error("frameRate", "is no rate")
        return rate

    def error(self, name: str, fault: str) -> FormatError:
        """What to raise about the value of ``name``: its line, the value and ``fault``."""
        lines = self.path.read_text(encoding="utf-8-sig").splitlines()
        numbers = [number for number, line in enumerate(lines, start=1) if line.split("=")[0].strip() == name]
        return FormatError(self.path, next(iter(numbers), None), f"{name}={self.values[name]} {fault}")
