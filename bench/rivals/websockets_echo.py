"""Python's websockets: websockets_echo.py [--deflate]"""

import asyncio
import sys

import websockets


async def echo(peer, *_):
    async for message in peer:
        await peer.send(message)


async def main():
    compression = "deflate" if "--deflate" in sys.argv else None
    async with websockets.serve(echo, "127.0.0.1", 0, compression=compression, max_size=64 << 20) as server:
        print(server.sockets[0].getsockname()[1], flush=True)
        await asyncio.Future()


asyncio.run(main())
