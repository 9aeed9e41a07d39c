"""A peer of Python's websockets: client and server."""

import asyncio
import os
import ssl
import sys

import websockets

from script import MESSAGE_BYTES_MAX, main, obey


class Peer:
    def __init__(self, socket):
        self.socket = socket
        self.send = socket.send
        self.recv = socket.recv
        self.send_parts = socket.send
        self.close = socket.close
        self.wait_closed = socket.wait_closed

    async def ping(self, payload):
        await asyncio.wait_for(await self.socket.ping(payload), 60)

    @property
    def compresses(self):
        return bool(self.socket.extensions)

    @property
    def close_code(self):
        return self.socket.close_code

    @property
    def close_reason(self):
        return self.socket.close_reason


def options(deflate):
    return {"max_size": MESSAGE_BYTES_MAX, "compression": "deflate" if deflate else None}


def server_tls():
    if "TLS_CERTIFICATE" not in os.environ:
        return None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(os.environ["TLS_CERTIFICATE"], os.environ["TLS_KEY"])
    return context


async def answer(socket):
    try:
        async for message in socket:
            await obey(Peer(socket), message)
    except websockets.ConnectionClosed:
        pass
    print("Closed", socket.close_code, socket.close_reason, flush=True)


async def serve(deflate):
    async with websockets.serve(answer, "127.0.0.1", 0, ssl=server_tls(), **options(deflate)) as server:
        print("Bound to 127.0.0.1:%d" % server.sockets[0].getsockname()[1], flush=True)
        await asyncio.Future()


async def connect(url, deflate):
    tls = ssl.create_default_context(cafile=os.environ["TLS_CA"]) if url.startswith("wss:") else None
    return Peer(await websockets.connect(url, ssl=tls, **options(deflate)))


sys.exit(main(serve, connect))
