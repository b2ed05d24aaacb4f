"""Measurements: each figure with the command that made it, next to the raw limit of the same run where there is one."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Figure:
    """What was measured, in which unit, and the raw limit of the same run, if there is one."""

    value: float
    unit: str = ""
    limit: float | None = None

    @property
    def ratio(self) -> float | None:
        """The share of the limit that was reached."""
        return self.value / self.limit if self.limit else None
