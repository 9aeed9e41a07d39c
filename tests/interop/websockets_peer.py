"""A peer of Python's websockets: client and server."""

import asyncio
import sys

import websockets

from script import FOUR_BYTES, Failures, filling, numbers

MESSAGE_BYTES_MAX = 32 << 20


def options(deflate):
    return {"max_size": MESSAGE_BYTES_MAX, "compression": "deflate" if deflate else None}


async def answer(peer):
    try:
        async for message in peer:
            if isinstance(message, str) and message.startswith("close "):
                _, code, reason = message.split(" ", 2)
                await peer.close(int(code), reason)
            elif message == "ping":
                await (await peer.ping())
                await peer.send("ponged")
            else:
                await peer.send(message)
    except websockets.ConnectionClosed:
        pass
    print("Closed", peer.close_code, peer.close_reason, flush=True)


async def serve(deflate):
    async with websockets.serve(answer, "127.0.0.1", 0, **options(deflate)) as server:
        print("Bound to 127.0.0.1:%d" % server.sockets[0].getsockname()[1], flush=True)
        await asyncio.Future()


async def messages(peer, failures):
    for size in 0, 1, 125, 126, 127, 999, 1000, 1001, 65535, 65536, 16 << 20:
        data = filling(size)
        for message in data, data.decode():
            await peer.send(message)
            failures.expect(await peer.recv() == message, f"a message of {size}")
    await peer.send(FOUR_BYTES)
    failures.expect(await peer.recv() == FOUR_BYTES, "characters of four bytes")
    await peer.send([FOUR_BYTES[:1], "", *FOUR_BYTES[1:]])
    failures.expect(await peer.recv() == FOUR_BYTES, "fragments")
    for number in range(10000):
        await peer.send(str(number))
    answers = [await peer.recv() for _ in range(10000)]
    failures.expect(answers == [str(number) for number in range(10000)], "many small messages")
    await asyncio.wait_for(await peer.ping(b"payload"), 60)
    await peer.send("ping")
    failures.expect(await peer.recv() == "ponged", "the server's ping")


async def call(url, deflate, codes, asked):
    failures = Failures()
    async with websockets.connect(url, **options(deflate)) as peer:
        failures.expect(bool(peer.extensions) == deflate, f"extensions: {peer.extensions}")
        await messages(peer, failures)
    for code in codes:
        peer = await websockets.connect(url, **options(deflate))
        await peer.close(code, "bye")
        failures.expect(peer.close_code == code, f"closing with {code}: {peer.close_code}")
    for code in asked:
        peer = await websockets.connect(url, **options(deflate))
        await peer.send(f"close {code} why")
        await peer.wait_closed()
        failures.expect((peer.close_code, peer.close_reason) == (code, "why"), f"asked for {code}: {peer.close_code}")
    return failures.code()


if sys.argv[1] == "server":
    asyncio.run(serve(sys.argv[2] == "deflate"))
else:
    sys.exit(asyncio.run(call(sys.argv[2], sys.argv[3] == "deflate", numbers(sys.argv[4]), numbers(sys.argv[5]))))
