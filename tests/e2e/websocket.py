"""A WebSocket client of a few lines, byte by byte, so that tests can be wrong on purpose (RFC 6455)."""

import base64
import hashlib
import os
import struct

from harness import receive_exactly

GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
TEXT, BINARY, CLOSE, PING, PONG = 1, 2, 8, 9, 10


def request(path="/", host="127.0.0.1", key="dGhlIHNhbXBsZSBub25jZQ==", **headers):
    lines = [f"GET {path} HTTP/1.1", f"Host: {host}", "Upgrade: websocket", "Connection: Upgrade",
             "Sec-WebSocket-Version: 13", f"Sec-WebSocket-Key: {key}"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return ("\r\n".join(lines) + "\r\n\r\n").encode()


def head(peer):
    """The head of a response: (status, headers by their names in small letters)."""
    data = b""
    while not data.endswith(b"\r\n\r\n"):
        piece = peer.recv(1)
        if not piece:
            raise EOFError(f"the connection ended in a head: {data!r}")
        data += piece
    first, *lines = data.decode("latin-1").split("\r\n")[:-2]
    headers = dict(line.split(": ", 1) for line in lines)
    return int(first.split()[1]), {name.lower(): value for name, value in headers.items()}


def open_websocket(peer, path="/", **headers):
    """Shakes hands. The response's headers."""
    key = base64.b64encode(os.urandom(16)).decode()
    peer.sendall(request(path, key=key, **headers))
    status, answer = head(peer)
    assert status == 101, (status, answer)
    assert answer["sec-websocket-accept"] == base64.b64encode(hashlib.sha1(key.encode() + GUID).digest()).decode()
    return answer


def frame(opcode, payload, fin=True, masked=True):
    size = len(payload)
    mask_bit = 0x80 if masked else 0
    head_bytes = bytes([(0x80 if fin else 0) | opcode])
    if size < 126:
        head_bytes += bytes([mask_bit | size])
    elif size < 65536:
        head_bytes += bytes([mask_bit | 126]) + struct.pack(">H", size)
    else:
        head_bytes += bytes([mask_bit | 127]) + struct.pack(">Q", size)
    if not masked:
        return head_bytes + payload
    key = os.urandom(4)
    stretched = (key * (size // 4 + 1))[:size]
    body = (int.from_bytes(payload, "big") ^ int.from_bytes(stretched, "big")).to_bytes(size, "big")
    return head_bytes + key + body


def read_frame(peer):
    """(opcode, payload) of the next frame, or None at the end of the stream."""
    first = receive_exactly(peer, 2)
    if len(first) < 2:
        return None
    size = first[1] & 0x7F
    if size >= 126:
        size = int.from_bytes(receive_exactly(peer, 2 if size == 126 else 8), "big")
    key = receive_exactly(peer, 4) if first[1] & 0x80 else b""
    payload = receive_exactly(peer, size)
    if key:
        payload = bytes(byte ^ key[i % 4] for i, byte in enumerate(payload))
    return first[0] & 0x0F, payload


def close_code(payload):
    return int.from_bytes(payload[:2], "big")


def accept_websocket(peer, **headers):
    """A server's side: reads a request and accepts it. (its first line, its headers)."""
    data = b""
    while not data.endswith(b"\r\n\r\n"):
        piece = peer.recv(1)
        if not piece:
            raise EOFError(f"the connection ended in a head: {data!r}")
        data += piece
    first, *lines = data.decode("latin-1").split("\r\n")[:-2]
    asked = {name.lower(): value for name, value in (line.split(": ", 1) for line in lines)}
    proof = base64.b64encode(hashlib.sha1(asked["sec-websocket-key"].encode() + GUID).digest()).decode()
    answer = ["HTTP/1.1 101 Switching Protocols", "Upgrade: websocket", "Connection: Upgrade",
              f"Sec-WebSocket-Accept: {proof}"]
    answer += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    peer.sendall(("\r\n".join(answer) + "\r\n\r\n").encode())
    return first, asked
