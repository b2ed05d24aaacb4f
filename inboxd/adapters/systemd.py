"""Readiness and watchdog for systemd, sd_notify(3): a datagram to the socket that it names."""

from __future__ import annotations

import os
import socket


def notify(state: str) -> None:
    """Tell systemd, e.g. "READY=1"; without systemd nothing happens. Never raises."""
    path = os.environ.get("NOTIFY_SOCKET", "")
    if not path:
        return
    address = "\0" + path[1:] if path.startswith("@") else path
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as pipe:
            pipe.sendto(state.encode(), address)
    except OSError:
        pass  # systemd notices silence by itself: the watchdog


def watchdog_seconds() -> float | None:
    """How often systemd wants to hear of us: half of what it allows; None where it does not."""
    usec = os.environ.get("WATCHDOG_USEC", "")
    return int(usec) / 2_000_000 if usec.isdigit() else None
