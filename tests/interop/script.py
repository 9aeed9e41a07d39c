"""What the peers in Python have in common."""

FOUR_BYTES = "\U0001F600\U00010348 日本 é \U0010FFFF"


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
