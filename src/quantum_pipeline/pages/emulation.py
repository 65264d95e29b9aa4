"""Names a report's device so that nobody takes an emulator's result for that of hardware."""

from __future__ import annotations

from quantum_pipeline.reports import Report


def device_name(report: Report) -> str:
    """Return the name of the device, with what it really was where that was an emulator."""
    return _named(report, report.device.name)


def compiled_for(report: Report) -> str:
    """Return the same of the device that the circuit was compiled for, of several."""
    made = report.compilation
    return _named(report, (made and made.device) or report.device.name)


def _named(report: Report, name: str) -> str:
    return name if report.device.emulated is None else f"{name} (emulated)"


def titled(report: Report, title: str) -> str:
    """Return the title of a picture of the device's data, which says where it was emulated.

    Pictures leave the page, and its banner stays behind.
    """
    device = report.device
    return title if device.emulated is None else f"Emulated {device.name}: {title}"


def banner(report: Report) -> tuple[str, str] | None:
    """Return what stands on top of the page of an emulated device: a cry, and what ran instead."""
    device = report.device
    if device.emulated is None:
        return None
    real = "No quantum processor" if device.kind == "qpu" else "No Amazon Braket simulator"
    return (
        f"Emulated: not a result of {device.name}.",
        f"{real} ran this: an emulator on this machine stood in for it.",
    )


def sources(report: Report) -> list[str]:
    """Return what the emulator rests on, point by point; nothing of a device itself."""
    told = (report.device.emulated or "").removeprefix("Emulated; ").removesuffix(".")
    return told.split("; ") if told else []
