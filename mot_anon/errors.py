"""Every exception that mot_anon raises on purpose.

::

    MotAnonError                 something is wrong and the message says what        exit code 1
    ├── InputError               the user can mend it: option, file, folder          exit code 2
    │   ├── NotFoundError        a root, sequence, file or plug-in is not there
    │   ├── AmbiguousError       a name stands in two places
    │   ├── FormatError          a text file does not parse (names file and line)
    │   ├── FrameError           a frame is missing, broken or of another size
    │   ├── OptionError          an option's value makes no sense
    │   ├── OutputError          the destination cannot be written as asked
    │   ├── KeyFileError         a key file is missing, malformed or readable by others
    │   └── MissingExtraError    an optional dependency is not installed
    ├── CoverageError            somebody would have been left raw in a published frame
    └── GateError                tracking degraded by more than was allowed (also an AssertionError)

Messages are one line, name the file and line or frame, and say what to do. They never contain a key, a code or a plan.
"""

from __future__ import annotations

from pathlib import Path


class MotAnonError(Exception):
    """Base of the tree; ``exit_code`` is what the command line returns."""

    exit_code = 1


class InputError(MotAnonError):
    """Something the user gave cannot be used."""

    exit_code = 2


class NotFoundError(InputError):
    """A root, sequence, file or plug-in that was asked for is not there."""


class AmbiguousError(InputError):
    """A sequence name stands in more than one place."""


class FormatError(InputError):
    """A text file does not parse.

    Parameters
    ----------
    path:
        The file.
    line:
        1-based line number, or None where the fault belongs to the whole file.
    message:
        What is wrong and what to do.
    """

    def __init__(self, path: Path | str, line: int | None, message: str) -> None:
        self.path = Path(path)
        self.line = line
        self._arguments = (path, line, message)
        where = f"{path}:{line}" if line is not None else f"{path}"
        super().__init__(f"{where}: {message}")

    def __reduce__(self) -> tuple[type[FormatError], tuple[Path | str, int | None, str]]:
        """Pickled by its arguments, so that it comes out of a worker process as it went in."""
        return type(self), self._arguments


class FrameError(InputError):
    """A frame is missing, cannot be decoded or has another size than its sequence."""


class OptionError(InputError):
    """An option has a value that makes no sense."""


class OutputError(InputError):
    """The destination exists, lies inside the input, or is in use."""


class KeyFileError(InputError):
    """A key file is missing, has the wrong length or can be read by others."""


class MissingExtraError(InputError):
    """An optional dependency is not installed; the message has the pip line."""


class CoverageError(MotAnonError):
    """Somebody would have been left raw; nothing was published."""


class GateError(MotAnonError, AssertionError):
    """A score fell by more than the gate allows; in a test suite, a failed assertion."""
