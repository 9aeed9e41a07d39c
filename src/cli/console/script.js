"use strict";
// What peers send is only ever put into the page as text.
const entries_max = 2000;       // the oldest leave the log
const shown_bytes_max = 65536;  // of one message; all of it is copied and counted
const waiting_max = 1000;       // messages whose answer is awaited, for the round trip

const $ = (id) => document.getElementById(id);
const encoder = new TextEncoder();
const log = $("log");
const sent = { messages: 0, bytes: 0 };
const received = { messages: 0, bytes: 0 };
const trips = [];     // the last round trips, in ms
let waiting = [];     // when what has not been answered was sent
let fresh = [];       // entries that are not in the page yet
let history = [];     // what was typed
let history_at = 0;
let socket = null;
let opened_at = 0;
let last_second = 0;  // messages in this second
let follows = true;   // the log shows the newest
let painting = false;

$("url").value = (location.protocol === "https:" ? "wss://" : "ws://") + (location.host || "127.0.0.1:9000") + "/";

function size_text(bytes) {
  if (bytes < 1024) return bytes + " B";
  return bytes < 1048576 ? (bytes / 1024).toFixed(1) + " KiB" : (bytes / 1048576).toFixed(1) + " MiB";
}

function time_text(ms) {
  return ms < 10 ? ms.toFixed(2) + " ms" : ms < 1000 ? ms.toFixed(0) + " ms" : (ms / 1000).toFixed(2) + " s";
}

function clock() {
  const now = new Date();
  return now.toTimeString().slice(0, 8) + "." + String(now.getMilliseconds()).padStart(3, "0");
}

function hex(bytes) {
  const lines = [];
  for (let at = 0; at < bytes.length; at += 16) {
    const row = bytes.subarray(at, at + 16);
    const digits = Array.from(row, (b) => b.toString(16).padStart(2, "0")).join(" ");
    const text = Array.from(row, (b) => (b >= 32 && b < 127 ? String.fromCharCode(b) : ".")).join("");
    lines.push(at.toString(16).padStart(6, "0") + "  " + digits.padEnd(47) + "  " + text);
  }
  return lines.join("\n");
}

// ---- The log

function element(kind, name, text) {
  const made = document.createElement(kind);
  if (name) made.className = name;
  if (text !== undefined) made.textContent = text;
  return made;
}

function is_shown(item) {
  const direction = $("direction").value;
  return (!direction || item.way === direction) && item.text.toLowerCase().includes($("filter").value.toLowerCase());
}

function row(item) {
  const line = element("li", item.way);
  line.item = item;
  line.hidden = !is_shown(item);
  if (item.way === "note") {
    line.append(element("span", "about", item.time), element("span", "arrow", "·"), element("span", "note", item.text));
    return line;
  }
  const about = element("span", "about");
  about.append(element("span", "", item.time), element("span", "", item.kind), element("span", "", size_text(item.bytes)));
  if (item.trip !== undefined) about.append(element("span", "trip", "round trip " + time_text(item.trip)));
  const text = element("pre", "", item.text.slice(0, shown_bytes_max) + (item.text.length > shown_bytes_max ? " …" : ""));
  text.title = "Click to unfold";
  text.onclick = () => { if (!getSelection().toString()) line.classList.toggle("open"); };
  const take = element("button", "take", "copy");
  take.type = "button";
  take.setAttribute("aria-label", "Copy this message");
  take.onclick = () => copy(item.text);
  line.append(about, element("span", "arrow", item.way === "out" ? "↑" : "↓"), text, take);
  return line;
}

function add(item) {
  item.time = clock();
  fresh.push(item);
  if (fresh.length > entries_max) fresh.splice(0, fresh.length - entries_max);
  paint_soon();
}

function paint_soon() {
  if (!painting) requestAnimationFrame(paint);
  painting = true;
}

function paint() {
  painting = false;
  if (fresh.length) {
    const made = document.createDocumentFragment();
    for (const item of fresh) made.append(row(item));
    fresh = [];
    log.append(made);
    while (log.childElementCount > entries_max) log.firstElementChild.remove();
    if (follows) log.scrollTop = log.scrollHeight;
    $("newest").hidden = follows;
  }
  count();
}

log.onscroll = () => {
  follows = log.scrollHeight - log.scrollTop - log.clientHeight < 40;
  if (follows) $("newest").hidden = true;
};
$("newest").onclick = () => { follows = true; log.scrollTop = log.scrollHeight; $("newest").hidden = true; };

function filter() {
  for (const line of log.children) line.hidden = !is_shown(line.item);
  if (follows) log.scrollTop = log.scrollHeight;
}
$("filter").oninput = filter;
$("direction").onchange = filter;
$("clear").onclick = () => { log.replaceChildren(); fresh = []; $("newest").hidden = true; };

function say(text) { $("said").textContent = text; }

async function copy(text) {
  try {
    await navigator.clipboard.writeText(text);
  } catch {  // without https only localhost has a clipboard
    const area = element("textarea", "unseen");
    area.value = text;
    document.body.append(area);
    area.select();
    document.execCommand("copy");
    area.remove();
  }
  say("Copied");
}
$("copy").onclick = () => {
  const lines = Array.from(log.children).filter((line) => !line.hidden).map((line) => {
    const item = line.item;
    return item.time + " " + ({ in: "<", out: ">", note: "-" })[item.way] + " " + item.text;
  });
  copy(lines.join("\n"));
};

// ---- Counters

function put(id, text) { if ($(id).textContent !== text) $(id).textContent = text; }

function count() {
  put("sent", sent.messages + " · " + size_text(sent.bytes));
  put("received", received.messages + " · " + size_text(received.bytes));
  if (trips.length) {
    const sorted = [...trips].sort((a, b) => a - b);
    put("trip", time_text(trips[trips.length - 1]) + " · median " + time_text(sorted[sorted.length >> 1]));
  }
  const open = socket && socket.readyState === WebSocket.OPEN;
  put("uptime", open ? Math.floor((performance.now() - opened_at) / 1000) + " s" : "–");
}
setInterval(() => { put("rate", last_second + " messages"); last_second = 0; count(); }, 1000);

// ---- The connection

function show_state(state, text) {
  $("state").dataset.state = state;
  $("state").textContent = text;
  const open = state === "open";
  for (const id of ["send", "choose", "close"]) $(id).disabled = !open;
  $("connect").textContent = open ? "Disconnect" : state === "opening" ? "Give up" : "Connect";
}

function connect() {
  const url = $("url").value.trim();
  const protocols = $("subprotocol").value.split(",").map((each) => each.trim()).filter(Boolean);
  let made;
  try {
    made = new WebSocket(url, protocols);
  } catch (error) {
    show_state("failed", error.message);
    return;
  }
  socket = made;
  made.binaryType = "arraybuffer";
  show_state("opening", "Connecting to " + url);
  made.onopen = () => {
    opened_at = performance.now();
    waiting = [];
    const with_what = [made.protocol && "subprotocol " + made.protocol, made.extensions].filter(Boolean).join(", ");
    show_state("open", "Connected to " + url + (with_what ? " with " + with_what : ""));
    add({ way: "note", text: "Connected to " + url });
    $("message").focus();
  };
  made.onmessage = (event) => arrived(event.data);
  made.onclose = (event) => {
    if (socket !== made) return;
    const why = "code " + event.code + (event.reason ? ", " + event.reason : "");
    const was_open = opened_at !== 0;
    opened_at = 0;
    socket = null;
    const text = was_open ? "Closed: " + why : "No connection to " + url + " (" + why + ")";
    show_state(was_open && event.wasClean ? "closed" : "failed", text);
    add({ way: "note", text });
  };
}

$("connection").onsubmit = (event) => {
  event.preventDefault();
  if (socket) socket.close(1000);
  else connect();
};

function arrived(data) {
  const is_text = typeof data === "string";
  const bytes = is_text ? encoder.encode(data).length : data.byteLength;
  received.messages += 1;
  received.bytes += bytes;
  last_second += 1;
  const began = waiting.shift();
  const trip = began === undefined ? undefined : performance.now() - began;
  if (trip !== undefined && trips.push(trip) > 100) trips.shift();
  const text = is_text ? data : hex(new Uint8Array(data, 0, Math.min(bytes, 4096))) + (bytes > 4096 ? "\n…" : "");
  add({ way: "in", kind: is_text ? "text" : "binary", bytes, text, trip });
}

function send(data, text, kind, bytes) {
  if (!socket || socket.readyState !== WebSocket.OPEN) return;
  socket.send(data);
  sent.messages += 1;
  sent.bytes += bytes;
  last_second += 1;
  if (waiting.push(performance.now()) > waiting_max) waiting.shift();
  add({ way: "out", kind, bytes, text });
}

// ---- Typing

const message = $("message");
message.oninput = () => { message.style.height = "auto"; message.style.height = message.scrollHeight + 2 + "px"; };

function show_typed(at) {
  history_at = Math.max(0, Math.min(at, history.length));
  message.value = history[history_at] ?? "";
  message.oninput();
}

message.onkeydown = (event) => {
  if (event.key === "Enter" && !event.shiftKey && !event.isComposing) {
    event.preventDefault();
    $("sender").requestSubmit();
  } else if (event.key === "ArrowUp" && !message.value.slice(0, message.selectionStart).includes("\n")) {
    event.preventDefault();
    show_typed(history_at - 1);
  } else if (event.key === "ArrowDown" && !message.value.slice(message.selectionEnd).includes("\n")) {
    event.preventDefault();
    show_typed(history_at + 1);
  }
};

$("sender").onsubmit = (event) => {
  event.preventDefault();
  const text = message.value;
  if (!socket || socket.readyState !== WebSocket.OPEN) return say("Not connected");
  send(text, text, "text", encoder.encode(text).length);
  if (text && history[history.length - 1] !== text && history.push(text) > 100) history.shift();
  show_typed(history.length);
};

async function send_file(file) {
  const data = await file.arrayBuffer();
  send(data, file.name + " (file)", "binary", data.byteLength);
}
$("choose").onclick = () => $("file").click();
$("file").onchange = () => {
  for (const file of $("file").files) send_file(file);
  $("file").value = "";
};
document.ondragover = (event) => { event.preventDefault(); document.body.classList.add("drop"); };
document.ondragleave = (event) => { if (!event.relatedTarget) document.body.classList.remove("drop"); };
document.ondrop = (event) => {
  event.preventDefault();
  document.body.classList.remove("drop");
  for (const file of event.dataTransfer.files) send_file(file);
};

$("close").onclick = () => {
  try {
    socket.close(Number($("code").value), $("reason").value);
  } catch (error) {
    show_state("open", error.message);
  }
};

connect();
