// Node's `ws`: node ws_echo.js [--deflate]
const { WebSocketServer } = require("ws");

const perMessageDeflate = process.argv[2] === "--deflate" ? { zlibDeflateOptions: { level: 1 }, threshold: 0 } : false;
const server = new WebSocketServer({ host: "127.0.0.1", port: 0, perMessageDeflate, maxPayload: 64 << 20 });
server.on("listening", () => console.log(server.address().port));
server.on("connection", (peer) => peer.on("message", (data, isBinary) => peer.send(data, { binary: isBinary })));
