// Node's `ws`: node ws_echo.js [--deflate] [--certificate FILE --key FILE]
const fs = require("fs");
const http = require("http");
const https = require("https");
const { WebSocketServer } = require("ws");

const [first, certificate, , key] = process.argv.slice(2);
const perMessageDeflate = first === "--deflate" ? { zlibDeflateOptions: { level: 1 }, threshold: 0 } : false;
const below = first === "--certificate"
  ? https.createServer({ cert: fs.readFileSync(certificate), key: fs.readFileSync(key) })
  : http.createServer();
const server = new WebSocketServer({ server: below, perMessageDeflate, maxPayload: 64 << 20 });
below.listen(0, "127.0.0.1", () => console.log(below.address().port));
server.on("connection", (peer) => peer.on("message", (data, isBinary) => peer.send(data, { binary: isBinary })));
