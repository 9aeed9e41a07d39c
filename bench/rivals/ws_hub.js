// Node's `ws`, as its README broadcasts: node ws_hub.js
const { WebSocket, WebSocketServer } = require("ws");

const server = new WebSocketServer({ host: "127.0.0.1", port: 0, perMessageDeflate: false, maxPayload: 64 << 20 });
server.on("listening", () => console.log(server.address().port));
server.on("connection", (me) => {
  me.on("message", (data, isBinary) => {
    server.clients.forEach((peer) => {
      if (peer !== me && peer.readyState === WebSocket.OPEN) peer.send(data, { binary: isBinary });
    });
  });
});
