"""Frames over an asyncio stream."""

from __future__ import annotations

import asyncio
import socket
from typing import Any

from deploy_kit import wire
from deploy_kit.wire import Frame


class Channel:
    """One end of the socket pair."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    @classmethod
    async def over(cls, connection: socket.socket) -> Channel:
        """A channel over a connected socket, which it then owns."""
        connection.setblocking(False)
        return cls(*await asyncio.open_connection(sock=connection))

    async def receive(self) -> Frame | None:
        """The next frame; None at end of file. Raises `deploy_kit.wire.WireError`."""
        try:
            header_size, payload_size = wire.lengths(await self._reader.readexactly(wire.PREFIX_SIZE))
        except asyncio.IncompleteReadError as error:
            if error.partial:
                raise wire.WireError("stream ended inside a frame") from None
            return None
        except ConnectionError:
            return None
        try:
            header = await self._reader.readexactly(header_size)
            payload = await self._reader.readexactly(payload_size)
        except (asyncio.IncompleteReadError, ConnectionError):
            raise wire.WireError("stream ended inside a frame") from None
        return wire.decode(header, payload)

    def send(self, kind: str, **fields: Any) -> None:
        """Queue a frame; a worker that is gone is noticed by the reader, not here."""
        if not self._writer.is_closing():
            self._writer.write(wire.encode(Frame(kind, fields)))

    def close(self) -> None:
        self._writer.close()
