"""Formats numbers for people: a true minus sign, the digits that it takes, suitable units."""

from __future__ import annotations

from collections.abc import Callable
from math import floor, log10

from quantum_pipeline.wording import digits, short_of_one

MOST_DECIMALS = 8
"""Decimals of a value with an error; an error so small is rounding."""


def number(value: float | None, *beside: float | None) -> str:
    """Return a number with six significant digits, more to tell it from others; a dash for none.

    >>> number(-7.5), number(12.0), number(1234567.8), number(None)
    ('−7.5', '12', '1234568', '–')
    >>> number(1234567.8, 1234567.1)
    '1234567.8'
    """
    return "–" if value is None else digits(value, *beside).replace("-", "−")


def short(value: float, *beside: float | None) -> str:
    """Return a number with four significant digits, more to tell it from others.

    >>> short(-10.33333), short(123456.7), short(10.33333, 10.33332)
    ('−10.33', '123457', '10.33333')
    """
    return digits(value, *beside, least=4).replace("-", "−")


def hartree(value: float | None) -> str:
    """Return an energy in hartree with six decimals, a thousandth of chemical accuracy.

    >>> hartree(-1.13728383), hartree(-1e-17), hartree(None)
    ('−1.137284', '0.000000', '–')
    """
    return "–" if value is None else f"{value:z.6f}".replace("-", "−")


def with_error(value: float, error: float | None, write: Callable[[float], str] = number) -> str:
    """Return a value to the two digits of its standard error, or as ``write`` has it without one.

    >>> with_error(-10.3812, 0.147), with_error(-1.13, 0.0), with_error(-1.13, None)
    ('−10.38 ± 0.15', '−1.13 ± 0', '−1.13')
    """
    if error is None:
        return write(value)
    spread = rounded_by(error, error, lambda each: f"{each:.2g}")
    return f"{rounded_by(error, value, write)} ± {spread}"


def rounded_by(error: float | None, value: float, write: Callable[[float], str] = number) -> str:
    """Return a value to the two digits of a standard error, or as ``write`` has it without one.

    >>> rounded_by(0.147, -10.3812), rounded_by(0.0, -1.13)
    ('−10.38', '−1.13')
    """
    decimals = 1 - floor(log10(error)) if error else 99
    if decimals > MOST_DECIMALS:
        return write(value)
    return f"{round(value, decimals):.{max(0, decimals)}f}".replace("-", "−")


def off_by(difference: float, error: float | None) -> str:
    """Return a difference with its sign, to the digits that its standard error leaves it.

    >>> off_by(19.8, 29.55), off_by(-0.0643, 0.036), off_by(0.5, 0.0)
    ('+20', '−0.064', '+0.5')
    """
    return f"{'−' if difference < 0 else '+'}{rounded_by(error, abs(difference), short)}"


def ratio(value: float | None) -> str:
    """Return a ratio with four decimals, 1.0000 only where it is 1; a dash where there is none.

    >>> ratio(1.0), ratio(0.99471), ratio(0.999999), ratio(-0.25), ratio(None)
    ('1.0000', '0.9947', '0.9999', '−0.2500', '–')
    """
    return "–" if value is None else short_of_one(value).replace("-", "−")


def seconds(value: float) -> str:
    """Return a duration in the unit that fits it.

    >>> [seconds(t) for t in (0, 0.00042, 0.25, 3.14159, 150, 9000, 400_000)]
    ['0 s', '0.42 ms', '250 ms', '3.14 s', '2.5 min', '2.5 h', '4.63 days']
    """
    scales = ((86_400 * 2, 86_400, "days"), (7200, 3600, "h"), (120, 60, "min"), (1, 1, "s"))
    for least, unit, name in scales:
        if value >= least:
            return f"{value / unit:.3g} {name}"
    return f"{value * 1000:.3g} ms" if value else "0 s"


def usd(value: float) -> str:
    """Return an amount of money: to a hundredth of a cent, smaller ones to two digits.

    >>> usd(1.5), usd(0.0064), usd(0.000012345), usd(0)
    ('1.5000 USD', '0.0064 USD', '1.2e-05 USD', '0 USD')
    """
    if value == 0:
        return "0 USD"
    return f"{value:.4f} USD" if value >= 0.001 else f"{value:.2g} USD"
