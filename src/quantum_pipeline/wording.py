"""Words values for people: as the user wrote them, in units, or with the digits that they take."""

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


def duration(seconds: float) -> str:
    """Return about how long something takes, in the unit that fits it.

    >>> [duration(seconds) for seconds in (0.02, 16.4, 200, 12000, 3e5)]
    ['less than 1 s', 'about 16 s', 'about 3 min', 'about 3.3 h', 'about 3.5 days']
    """
    if seconds < 1:
        return "less than 1 s"
    if seconds < 120:
        return f"about {seconds:.0f} s"
    if seconds < 7200:
        return f"about {seconds / 60:.0f} min"
    hours = seconds / 3600
    return f"about {hours:.1f} h" if hours < 48 else f"about {hours / 24:.1f} days"


TOGETHER = " + "
"""Between the names of what does one thing together, as devices that share a run."""

MOST_DIGITS = 17
"""Significant digits that tell any two floats apart."""

WHOLE = 1e10
"""Below, numbers are written without an exponent for it."""


def digits(value: float, *beside: float | None, least: int = 6) -> str:
    """Return a number with ``least`` significant digits, more where others are as close to it.

    The distance to the nearest one that stands ``beside`` it, and is another one, shows with two
    digits of its own. Up to ten digits before the point are written in full.

    >>> digits(2 / 3), digits(1000003.2), digits(1e12)
    ('0.666667', '1000003', '1e+12')
    >>> digits(1000000.25, 999991.0), digits(-1000000003.0, -1000000001.5)
    ('1000000.2', '-1000000003')
    >>> digits(1e9 - 0.0125, 1e9 - 0.012)
    '999999999.9875'
    """
    if value == round(value) and abs(value) < WHOLE:
        return f"{value + 0.0:.0f}"  # no -0
    apart = min((abs(value - each) for each in beside if each not in (None, value)), default=0.0)
    before = math.floor(math.log10(abs(value))) + 1
    needed = before + 1 - math.floor(math.log10(apart)) if apart else 0
    whole = before if abs(value) < WHOLE else 0
    return f"{value:.{min(max(needed, whole, least), MOST_DIGITS)}g}"


def short_of_one(ratio: float, decimals: int = 4) -> str:
    """Return a ratio with so many decimals, 1 only where it is 1.

    >>> short_of_one(1.0), short_of_one(0.99471), short_of_one(1 - 1e-16), short_of_one(-0.25)
    ('1.0000', '0.9947', '0.9999', '-0.2500')
    """
    most = 1 - 10.0**-decimals
    return f"{most if most < ratio < 1 else ratio:.{decimals}f}"


def percent(share: float) -> str:
    """Return a share as a percentage with three significant digits, 100 % only when it is all.

    >>> percent(1.0), percent(0.82649), percent(0.99999), percent(0.0000123)
    ('100 %', '82.6 %', '99.9 %', '0.00123 %')
    """
    hundred = 100 * share
    return f"{99.9 if 99.9 < hundred < 100 else hundred:.3g} %"
