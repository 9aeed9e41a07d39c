// A peer of npm's undici: what Node.js has as its built-in WebSocket.
const { WebSocket } = require("undici");
const { options, finish } = require("./options.js");

require("./script.js")(options(process.argv.slice(2)), WebSocket).then(finish);
