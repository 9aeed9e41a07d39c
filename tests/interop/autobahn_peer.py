"""A peer of Python's autobahn, on asyncio: client and server."""

import asyncio
import sys

from autobahn.asyncio.websocket import (WebSocketClientFactory, WebSocketClientProtocol, WebSocketServerFactory,
                                        WebSocketServerProtocol)
from autobahn.websocket.compress import (PerMessageDeflateOffer, PerMessageDeflateOfferAccept,
                                         PerMessageDeflateResponse, PerMessageDeflateResponseAccept)

from script import MESSAGE_BYTES_MAX, main, obey

# Its own check of UTF-8 takes 3 s of a message of 16 MiB; decode() below checks it, too.


class Peer:
    """What both roles share: its callbacks as awaitables."""

    def __init__(self):
        super().__init__()
        loop = asyncio.get_running_loop()
        self.opened, self.closed, self.pong = loop.create_future(), loop.create_future(), None
        self.messages = asyncio.Queue()
        self.close_code = self.close_reason = None

    def onOpen(self):
        self.opened.set_result(self)

    def onMessage(self, payload, is_binary):
        self.messages.put_nowait(payload if is_binary else payload.decode())

    def onPong(self, payload):
        if self.pong:
            self.pong.set_result(payload)

    def onClose(self, was_clean, code, reason):
        self.close_code, self.close_reason = self.remoteCloseCode, self.remoteCloseReason
        self.messages.put_nowait(None)
        self.closed.set_result(None)

    @property
    def compresses(self):
        return self._perMessageCompress is not None

    async def send(self, message):
        text = isinstance(message, str)
        self.sendMessage(message.encode() if text else message, not text)
        await asyncio.sleep(0)

    async def send_parts(self, parts):
        self.beginMessage()
        for part in parts:
            self.sendMessageFrame(part.encode())
        self.endMessage()

    async def recv(self):
        return await self.messages.get()

    async def ping(self, payload):
        self.pong = asyncio.get_running_loop().create_future()
        self.sendPing(payload)
        await asyncio.wait_for(self.pong, 60)
        self.pong = None

    async def close(self, code, reason):
        self.sendCloseFrame(code, reason.encode())  # sendClose() lets pass 1000 and 3000 to 4999 only
        if self.role == "client":  # a server goes on reading
            await self.closed

    async def wait_closed(self):
        await self.closed


class ClientPeer(Peer, WebSocketClientProtocol):
    role = "client"


class ServerPeer(Peer, WebSocketServerProtocol):
    role = "server"

    def onOpen(self):
        super().onOpen()
        self.task = asyncio.ensure_future(self.answer())

    async def answer(self):
        while (message := await self.recv()) is not None:
            await obey(self, message)
        print("Closed", self.close_code, self.close_reason, flush=True)


def accept_offer(offers):
    for offer in offers:
        if isinstance(offer, PerMessageDeflateOffer):
            return PerMessageDeflateOfferAccept(offer)


def accept_response(response):
    if isinstance(response, PerMessageDeflateResponse):
        return PerMessageDeflateResponseAccept(response)


async def serve(deflate):
    factory = WebSocketServerFactory()
    factory.protocol = ServerPeer
    factory.setProtocolOptions(maxMessagePayloadSize=MESSAGE_BYTES_MAX, utf8validateIncoming=False,
                               perMessageCompressionAccept=accept_offer if deflate else lambda offers: None)
    server = await asyncio.get_running_loop().create_server(factory, "127.0.0.1", 0)
    print("Bound to 127.0.0.1:%d" % server.sockets[0].getsockname()[1], flush=True)
    await asyncio.Future()


async def connect(url, deflate):
    factory = WebSocketClientFactory(url)
    factory.protocol = ClientPeer
    factory.setProtocolOptions(maxMessagePayloadSize=MESSAGE_BYTES_MAX, utf8validateIncoming=False,
                               perMessageCompressionOffers=[PerMessageDeflateOffer()] if deflate else [],
                               perMessageCompressionAccept=accept_response)
    _, peer = await asyncio.get_running_loop().create_connection(factory, factory.host, factory.port)
    return await peer.opened


sys.exit(main(serve, connect))
