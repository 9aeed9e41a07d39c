// A peer of npm's ws: client and server.
const fs = require("fs");
const http = require("http");
const https = require("https");
const { WebSocket, WebSocketServer } = require("ws");
const { options, finish } = require("./options.js");
const script = require("./script.js");

const message_bytes_max = 32 * 1024 * 1024;

function serve(deflate) {
  const { TLS_CERTIFICATE, TLS_KEY } = process.env;
  const below = TLS_CERTIFICATE
    ? https.createServer({ cert: fs.readFileSync(TLS_CERTIFICATE), key: fs.readFileSync(TLS_KEY) })
    : http.createServer();
  const server = new WebSocketServer({
    server: below, perMessageDeflate: deflate && { threshold: 0 }, maxPayload: message_bytes_max,
  });
  below.listen(0, "127.0.0.1", () => console.log(`Bound to 127.0.0.1:${below.address().port}`));
  server.on("connection", (peer) => {
    peer.on("message", (data, isBinary) => {
      const text = isBinary || data.length > 200 ? "" : data.toString();
      const order = /^close (\d+) (.*)$/.exec(text);
      if (order) peer.close(Number(order[1]), order[2]);
      else if (text === "ping") peer.ping("p");
      else peer.send(data, { binary: isBinary });
    });
    peer.on("pong", () => peer.send("ponged"));
    peer.on("close", (code, reason) => console.log(`Closed ${code} ${reason}`));
    peer.on("error", (error) => console.log(`Error ${error.message}`));
  });
}

// What the browsers' interface has not: pings, and messages in parts.
async function run({ socket, next }, expect, text) {
  const pong = new Promise((resolve) => socket.once("pong", resolve));
  socket.ping("payload");
  expect((await pong).toString() === "payload", "a pong");
  const bytes = Buffer.from(text);
  for (let i = 0; i < bytes.length; ++i) {  // characters are cut
    socket.send(bytes.subarray(i, i + 1), { fin: false, binary: false });
    if (i === 3) socket.ping("between");
  }
  socket.send("", { fin: true });
  expect((await next()).data === text, "fragments");
}

const given = options(process.argv.slice(2));
if (given.role === "server") {
  serve(given.deflate);
} else {
  class Socket extends WebSocket {
    constructor(url) {
      super(url, { perMessageDeflate: given.deflate && { threshold: 0 }, maxPayload: message_bytes_max });
    }
  }
  script(given, Socket, { run }).then(finish);
}
