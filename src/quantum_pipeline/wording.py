"""Words values for a message: as the user wrote them, shortened, safe to print; sizes in units."""

from __future__ import annotations

import json
import math
import reprlib


class _Shown(reprlib.Repr):
    """Values as JSON writes them, shortened; safe to print whatever they hold."""

    def __init__(self) -> None:
        super().__init__()
        self.maxstring = 120

    def repr_str(self, x: str, _level: int) -> str:
        half = self.maxstring // 2
        text = x if len(x) <= self.maxstring else f"{x[:half]}...{x[-half:]}"
        quoted = json.dumps(text, ensure_ascii=False)
        return "".join(c if c.isprintable() else f"\\u{ord(c):04x}" for c in quoted)

    def repr_int(self, x: int, _level: int) -> str:
        digits = int(math.log10(abs(x) or 1)) + 1
        return str(x) if digits <= 40 else f"an integer of about {digits} digits"

    def repr_float(self, x: float, _level: int) -> str:
        return json.dumps(x)

    def repr_bool(self, x: bool, _level: int) -> str:
        return json.dumps(x)

    def repr_NoneType(self, x: None, _level: int) -> str:  # noqa: N802 - reprlib calls it so
        return json.dumps(x)

    def repr_tuple(self, x: tuple[object, ...], level: int) -> str:
        return self.repr_list(list(x), level)


shown = _Shown().repr


def refusal(field: str, value: object, allowed: str) -> str:
    """Return the sentence that refuses a field's value.

    >>> refusal("shots", None, "an integer from 1 to 50000")
    'shots: got null; allowed: an integer from 1 to 50000'
    """
    return f"{field}: got {shown(value)}; allowed: {allowed}"


def memory_size(n_bytes: float) -> str:
    """Return a number of bytes in the unit that fits it.

    >>> [memory_size(n) for n in (16 * 2**10, 301.6 * 2**20, 2.57 * 2**30)]
    ['16 KiB', '302 MiB', '2.57 GiB']
    """
    for unit, name in ((2**30, "GiB"), (2**20, "MiB"), (2**10, "KiB")):
        if n_bytes >= unit:
            size = n_bytes / unit
            return f"{size:.3g} {name}" if size < 1000 else f"{size:.0f} {name}"
    return f"{n_bytes:.0f} bytes"
