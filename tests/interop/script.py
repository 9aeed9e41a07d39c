"""What the peers in Python have in common: the client's script, over a connection of any kind that has

  async send(message)     str is text, bytes are binary      async recv()
  async send_parts(parts) one message in fragments           async ping(payload): until its pong
  async close(code, reason), async wait_closed()             close_code, close_reason, compresses
"""

import asyncio
import functools
import sys

FOUR_BYTES = "\U0001F600\U00010348 日本 é \U0010FFFF"
MESSAGE_BYTES_MAX = 32 << 20
LARGEST = 16 << 20
SMALL_MESSAGES = 10_000


def filling(size):
    """Bytes of which half compress."""
    varied = bytearray()
    state = 1
    for _ in range(min(size, 4096)):
        state = (state * 1664525 + 1013904223) % 2**32
        varied += bytes((48 + (state >> 24) % 64, 97))
    return bytes((varied * (size // len(varied) + 1))[:size]) if size else b""


def numbers(words):
    return [int(word) for word in words.split(",") if word]


class Failures:
    failed = False

    def expect(self, holds, what):
        if not holds:
            self.failed = True
            print("FAILED:", what, flush=True)

    def code(self):
        return 1 if self.failed else 0


async def messages(peer, failures):
    for size in 0, 1, 125, 126, 127, 999, 1000, 1001, 65535, 65536, LARGEST:
        data = filling(size)
        for message in (data, data.decode()) if size < LARGEST else (data.decode(),):
            await peer.send(message)
            failures.expect(await peer.recv() == message, f"a message of {size}")
    await peer.send(FOUR_BYTES)
    failures.expect(await peer.recv() == FOUR_BYTES, "characters of four bytes")
    await peer.send_parts([FOUR_BYTES[:1], "", *FOUR_BYTES[1:]])
    failures.expect(await peer.recv() == FOUR_BYTES, "fragments")
    for number in range(SMALL_MESSAGES):
        await peer.send(str(number))
    answers = [await peer.recv() for _ in range(SMALL_MESSAGES)]
    failures.expect(answers == [str(number) for number in range(SMALL_MESSAGES)], "many small messages")
    await peer.ping(b"payload")
    await peer.send("ping")
    failures.expect(await peer.recv() == "ponged", "the server's ping")


async def call(connect, deflate, codes, asked):
    """`connect` is awaited for each connection; the exit code."""
    failures = Failures()
    peer = await connect()
    failures.expect(peer.compresses == deflate, f"deflate: {peer.compresses}")
    await messages(peer, failures)
    await peer.close(1000, "bye")
    for code in codes:
        peer = await connect()
        await peer.close(code, "bye")
        failures.expect(peer.close_code == code, f"closing with {code}: {peer.close_code}")
    for code in asked:
        peer = await connect()
        await peer.send(f"close {code} why")
        await peer.wait_closed()
        failures.expect((peer.close_code, peer.close_reason) == (code, "why"), f"asked for {code}: {peer.close_code}")
    return failures.code()


async def obey(peer, message):
    """What a server does with a message."""
    if isinstance(message, str) and message.startswith("close "):
        _, code, reason = message.split(" ", 2)
        await peer.close(int(code), reason)
    elif message == "ping":
        await peer.ping(b"")
        await peer.send("ponged")
    else:
        await peer.send(message)


def main(serve, connect):
    """The words of peers.py: serve(deflate) goes on for ever, connect(url, deflate) gives a connection."""
    if sys.argv[1] == "server":
        asyncio.run(serve(sys.argv[2] == "deflate"))
        return 0
    deflate = sys.argv[3] == "deflate"
    return asyncio.run(call(functools.partial(connect, sys.argv[2], deflate), deflate, numbers(sys.argv[4]),
                            numbers(sys.argv[5])))
