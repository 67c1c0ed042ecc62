"""Storage that is far away: a TCP proxy on the loopback address whose answers come late."""

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from urllib.parse import urlsplit

LOOPBACK = "127.0.0.1"
_CHUNK_BYTES = 1 << 18

Late = tuple[float, bytes]


@contextmanager
def late_by(late_s: float, url: str) -> Iterator[str]:
    """An address for `url` that hands every request on at once, and every answer `late_s` later.

    Only the way takes long: as many bytes a second come through as before.
    """
    port = urlsplit(url).port or 80
    loop = asyncio.new_event_loop()
    server = loop.run_until_complete(
        asyncio.start_server(lambda *ends: _carry(port, late_s, *ends), LOOPBACK, 0)
    )
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    try:
        yield f"http://{LOOPBACK}:{server.sockets[0].getsockname()[1]}"
    finally:
        asyncio.run_coroutine_threadsafe(_end(server), loop).result()
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


async def _end(server: asyncio.Server) -> None:
    server.close()
    open_ends = asyncio.all_tasks() - {asyncio.current_task()}
    for one in open_ends:
        one.cancel()
    await asyncio.gather(*open_ends, return_exceptions=True)


async def _carry(
    port: int, late_s: float, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
) -> None:
    with suppress(ConnectionError):
        there, back = await asyncio.open_connection(LOOPBACK, port)
        await asyncio.gather(_pass_on(reader, back, 0.0), _pass_on(there, writer, late_s))


async def _pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, late_s: float) -> None:
    """Everything that is read, in order, each piece `late_s` after it came."""
    now = asyncio.get_running_loop().time
    waiting: asyncio.Queue[Late] = asyncio.Queue()
    sending = asyncio.create_task(_send(waiting, writer))
    with suppress(ConnectionError):
        while piece := await reader.read(_CHUNK_BYTES):
            waiting.put_nowait((now() + late_s, piece))
    waiting.put_nowait((now() + late_s, b""))
    await sending


async def _send(waiting: asyncio.Queue[Late], writer: asyncio.StreamWriter) -> None:
    now = asyncio.get_running_loop().time
    with suppress(ConnectionError):
        while True:
            due, piece = await waiting.get()
            await asyncio.sleep(max(0.0, due - now()))
            if not piece:
                break
            writer.write(piece)
            await writer.drain()
    writer.close()
