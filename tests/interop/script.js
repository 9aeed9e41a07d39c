// The script of a client, for whatever has the browsers' WebSocket. It holds all it needs, so that it can also be sent
// into a page. Returns what went wrong. `extras` are what only npm's ws can: fragments and pings.
module.exports = async function script(options, Socket = globalThis.WebSocket, extras = {}) {
  const LARGEST = 16 * 1024 * 1024;
  const SMALL_MESSAGES = 2000;
  const failures = [];
  const expect = (holds, what) => holds || failures.push(`FAILED: ${what}`);

  function open() {
    return new Promise((resolve, reject) => {
      const socket = new Socket(options.url);
      const queue = [];
      const waiters = [];
      const put = (event) => (waiters.length > 0 ? waiters.shift()(event) : queue.push(event));
      socket.binaryType = "arraybuffer";
      socket.addEventListener("message", (event) => put({ data: event.data }));
      socket.addEventListener("close", (event) => put({ code: event.code, reason: event.reason, clean: event.wasClean }));
      socket.addEventListener("error", () => reject(new Error("connecting")));
      const next = () => (queue.length > 0 ? queue.shift() : new Promise((wake) => waiters.push(wake)));
      socket.addEventListener("open", () => resolve({ socket, next }));
    });
  }

  const same = (got, sent) => {
    if (typeof sent === "string" || typeof got === "string") return got === sent;
    if (!got || got.byteLength !== sent.byteLength) return false;
    const bytes = new Uint8Array(got);
    return sent.every((byte, i) => byte === bytes[i]);
  };

  const filling = (size) => {  // half of it compresses
    const bytes = new Uint8Array(size).fill(97);
    for (let i = 0, state = 1; i < size; i += 2) {
      state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
      bytes[i] = 48 + ((state >>> 24) % 64);
    }
    return bytes;
  };

  const peer = await open();
  expect(peer.socket.extensions.includes("permessage-deflate") === options.deflate,
         `extensions: ${peer.socket.extensions}`);
  const fourBytes = "\u{1F600}\u{10348} 日本 é \u{10FFFF}";
  for (const size of [0, 1, 125, 126, 127, 999, 1000, 1001, 65535, 65536, LARGEST]) {
    const bytes = filling(size);
    const text = new TextDecoder().decode(bytes);
    for (const message of size < LARGEST ? [bytes, text] : [text]) {
      peer.socket.send(message);
      expect(same((await peer.next()).data, message), `a message of ${size}`);
    }
  }
  for (const text of [fourBytes, fourBytes.repeat(1000)]) {
    peer.socket.send(text);
    expect((await peer.next()).data === text, "characters of four bytes");
  }
  for (let i = 0; i < SMALL_MESSAGES; ++i) peer.socket.send(String(i));
  for (let i = 0; i < SMALL_MESSAGES; ++i) {
    const { data } = await peer.next();
    if (data !== String(i)) {
      expect(false, `small message ${i}: ${data}`);
      break;
    }
  }
  peer.socket.send("ping");
  expect((await peer.next()).data === "ponged", "the server's ping");
  if (extras.run) await extras.run(peer, expect, fourBytes);
  peer.socket.close();
  expect((await peer.next()).clean, "closing without a code");

  for (const code of options.codes) {
    const { socket, next } = await open();
    socket.close(code, "bye");
    const end = await next();
    expect(end.clean && end.code === code, `closing with ${code}: ${JSON.stringify(end)}`);
  }
  for (const code of options.asked) {
    const { socket, next } = await open();
    socket.send(`close ${code} why`);
    const end = await next();
    expect(end.clean && end.code === code && end.reason === "why", `asked for ${code}: ${JSON.stringify(end)}`);
  }
  return failures;
};
