"""Errors of the Braket API, as an AWS client sees them."""

from __future__ import annotations


class BraketError(Exception):
    """A refusal: ``code`` is a name of the service model such as ``ConflictException``."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message


def invalid(message: str) -> BraketError:
    """Return the error of a request that is wrong in itself."""
    return BraketError("ValidationException", message)


def not_found(arn: str) -> BraketError:
    """Return the error of an ARN that names nothing here."""
    return BraketError("ResourceNotFoundException", f"{arn} does not exist")
