"""Where a service listens."""

from __future__ import annotations

import asyncio
import socket

import pytest

from llmrec.errors import ConfigError
from llmrec.service.running import listening_socket


def test_answers_are_sent_at_once_on_its_connections() -> None:
    """Else each would wait 40 ms for the client to acknowledge the one before."""

    async def accepted() -> int:
        delays: asyncio.Queue[int] = asyncio.Queue()

        async def meet(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            mine = writer.get_extra_info("socket")
            delays.put_nowait(mine.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY))
            writer.close()
            await writer.wait_closed()

        with listening_socket("127.0.0.1", 0) as bound:
            async with await asyncio.start_server(meet, sock=bound):
                _, client = await asyncio.open_connection(*bound.getsockname())
                found = await delays.get()
                client.close()
                await client.wait_closed()
        return found

    assert asyncio.run(accepted()) == 1


def test_a_taken_port_is_one_sentence() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        with pytest.raises(ConfigError, match=r"cannot listen on 127\.0\.0\.1 port"):
            listening_socket("127.0.0.1", taken.getsockname()[1])
