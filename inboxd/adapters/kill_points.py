"""Kill points: proxies around the ports that can cut the power before and after every call. Built only when asked for.

Points are named `port.call.before` and `port.call.after`, for example `store.commit.before`, `mailer.before_data.after`,
`mailbox.fetch.batch`, `tx.record.after`. INBOXD_CRASH_AT=point#3 kills the process the third time it gets there.
"""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import Any, cast

from inboxd.core.model import Outgoing, Verdict
from inboxd.ports import Mailbox, Mailer, Reader, Store

Reach = Callable[[str], None]  # called at each point; does not return where the power is cut


class CrashAt:
    """Kills this process with SIGKILL when a point is reached for the n-th time."""

    def __init__(self, spec: str) -> None:
        self._point, _, count = spec.partition("#")
        self._left = int(count or 1)
        self._lock = threading.Lock()

    def __call__(self, point: str) -> None:
        if point != self._point:
            return
        with self._lock:
            self._left -= 1
            if self._left == 0:
                os.kill(os.getpid(), signal.SIGKILL)


class _Port:
    """Any port with plain methods: a point before and after each call."""

    def __init__(self, name: str, port: Any, reach: Reach) -> None:
        self._name, self._port, self._reach = name, port, reach

    def __getattr__(self, attribute: str) -> Any:
        value = getattr(self._port, attribute)
        if not callable(value):
            return value

        def called(*args: Any, **named: Any) -> Any:
            self._reach(f"{self._name}.{attribute}.before")
            result = value(*args, **named)
            self._reach(f"{self._name}.{attribute}.after")
            return result

        return called


class _Mailbox(_Port):
    def fetch(self, listed: Any) -> Iterator[Any]:
        self._reach("mailbox.fetch.before")
        for batch in self._port.fetch(listed):
            yield batch
            self._reach("mailbox.fetch.batch")
        self._reach("mailbox.fetch.after")


class _Store(_Port):
    @contextmanager
    def transaction(self, *, durable: bool = True) -> Iterator[Any]:
        self._reach("store.begin.before")
        with self._port.transaction(durable=durable) as tx:
            yield _Transaction("tx", tx, self._reach)
            self._reach("store.commit.before")
        self._reach("store.commit.after")


class _Transaction(_Port):
    def savepoint(self) -> Any:
        return self._port.savepoint()


class _Mailer(_Port):
    async def send(self, outgoing: Outgoing, before_data: Callable[[], Awaitable[None]], then: Outgoing | None = None) -> Verdict:
        async def watched() -> None:
            self._reach("mailer.before_data.before")
            await before_data()
            self._reach("mailer.before_data.after")

        self._reach("mailer.send.before")
        verdict: Verdict = await self._port.send(outgoing, watched, then)
        self._reach("mailer.send.after")
        return verdict

    async def close(self) -> None:
        await self._port.close()


def around_mailbox(mailbox: Mailbox, reach: Reach) -> Mailbox:
    """The mailbox with kill points."""
    return cast(Mailbox, _Mailbox("mailbox", mailbox, reach))


def around_store(store: Store, reach: Reach) -> Store:
    """The store, and its transactions, with kill points."""
    return cast(Store, _Store("store", store, reach))


def around_mailer(mailer: Mailer, reach: Reach) -> Mailer:
    """The mailer with kill points."""
    return cast(Mailer, _Mailer("mailer", mailer, reach))


def around_reader(reader: Reader, reach: Reach) -> Reader:
    """The reader with kill points."""
    return cast(Reader, _Port("reader", reader, reach))
