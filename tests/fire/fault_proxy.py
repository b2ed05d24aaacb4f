"""A TCP proxy that does to a stream what networks do: cuts it after so many bytes or at a pattern, resets it, swallows it, slows it."""

from __future__ import annotations

import asyncio
import re
import socket
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

SERVER, CLIENT = "server", "client"  # whose words a fault looks at
_TAIL = 256  # bytes of before in which the start of a pattern may lie


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """What happens to one direction of a stream. Without `after` and `on` it is only slowed or cut into small segments."""

    side: str = SERVER
    after: int | None = None  # at this byte
    on: bytes | None = None  # where this pattern has been seen
    swallow: bool = False  # the chunk with the pattern is not passed on
    reset: bool = False  # RST instead of FIN
    hole: bool = False  # nothing is passed on any more, and nobody is told
    segment: int = 0  # pass on so many bytes at a time
    delay: float = 0.0  # seconds before each segment


@dataclass
class FaultProxy:
    """Listens on a port of the loopback and passes on to `port`; `arm` sets a fault for the next time it fits, once."""

    port: int
    listens: int = 0
    connections: int = 0
    fired: int = 0
    passed: dict[str, int] = field(default_factory=lambda: {SERVER: 0, CLIENT: 0})  # bytes since `arm`
    _fault: Fault | None = None

    def arm(self, fault: Fault | None) -> None:
        """Set what happens next; bytes are counted from now on, over all connections."""
        self._fault, self.passed = fault, {SERVER: 0, CLIENT: 0}

    async def serve(self) -> asyncio.Server:
        """Listen."""
        server = await asyncio.start_server(self._connected, "127.0.0.1", self.listens)
        self.listens = server.sockets[0].getsockname()[1]
        return server

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        try:
            there, back = await asyncio.open_connection("127.0.0.1", self.port)
        except OSError:
            writer.transport.abort()
            return
        both = (writer, back)
        hole = asyncio.Event()
        await asyncio.gather(self._pump(SERVER, there, writer, both, hole), self._pump(CLIENT, reader, back, both, hole))
        for each in both:
            each.close()

    async def _pump(
        self,
        side: str,
        source: asyncio.StreamReader,
        sink: asyncio.StreamWriter,
        both: tuple[asyncio.StreamWriter, ...],
        hole: asyncio.Event,
    ) -> None:
        tail = b""
        try:
            while data := await source.read(65536):
                if hole.is_set():
                    continue
                fault = self._fault if self._fault is not None and self._fault.side == side else None
                if fault is not None and (end := self._end(fault, tail, data)) is not None:
                    self.fired, self._fault = self.fired + 1, None
                    await self._pass_on(fault, data[:end], sink, side)
                    if fault.hole:
                        hole.set()
                        continue
                    _cut(both, fault.reset)
                    return
                await self._pass_on(fault, data, sink, side)
                tail = (tail + data)[-_TAIL:]
            if sink.can_write_eof():
                sink.write_eof()
        except (OSError, RuntimeError):
            _cut(both, False)

    def _end(self, fault: Fault, tail: bytes, data: bytes) -> int | None:
        """How much of this chunk still passes, if the fault happens in it."""
        if fault.after is not None and self.passed[fault.side] + len(data) > fault.after:
            return max(0, fault.after - self.passed[fault.side])
        if fault.on is not None and re.search(fault.on, tail + data):
            return 0 if fault.swallow else len(data)
        return None

    async def _pass_on(self, fault: Fault | None, data: bytes, sink: asyncio.StreamWriter, side: str) -> None:
        size = (fault.segment if fault is not None else 0) or max(1, len(data))
        for start in range(0, len(data), size):
            if fault is not None and fault.delay:
                await asyncio.sleep(fault.delay)
            sink.write(data[start : start + size])
            await sink.drain()
        self.passed[side] += len(data)


def _cut(both: tuple[asyncio.StreamWriter, ...], reset: bool) -> None:
    for writer in both:
        if reset:
            lingering: socket.socket = writer.get_extra_info("socket")
            lingering.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            writer.transport.abort()
        else:
            writer.close()


@contextmanager
def a_fault_proxy(port: int) -> Iterator[FaultProxy]:
    """A running proxy before a port of the loopback, in a thread of its own."""
    proxy, ready, loop = FaultProxy(port=port), threading.Event(), asyncio.new_event_loop()
    end = asyncio.Event()

    async def main() -> None:
        server = await proxy.serve()
        ready.set()
        await end.wait()
        server.close()
        for task in asyncio.all_tasks() - {asyncio.current_task()}:
            task.cancel()

    thread = threading.Thread(target=lambda: loop.run_until_complete(main()), name="fault proxy", daemon=True)
    thread.start()
    assert ready.wait(10)
    try:
        yield proxy
    finally:
        loop.call_soon_threadsafe(end.set)
        thread.join(10)
        loop.close()
