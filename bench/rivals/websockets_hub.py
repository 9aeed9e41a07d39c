"""Python's websockets: websockets_hub.py"""

import asyncio

import websockets

peers = set()


async def relay(me, *_):
    peers.add(me)
    try:
        async for message in me:
            websockets.broadcast((peer for peer in peers if peer is not me), message)
    finally:
        peers.remove(me)


async def main():
    # Without pings: the load answers none.
    async with websockets.serve(relay, "127.0.0.1", 0, compression=None, max_size=64 << 20,
                                ping_interval=None) as server:
        print(server.sockets[0].getsockname()[1], flush=True)
        await asyncio.Future()


asyncio.run(main())
