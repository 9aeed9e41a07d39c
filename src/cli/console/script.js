"use strict";
// What peers send is only ever put into the page as text.
const entries_max = 2000;       // the oldest leave the log
const held_bytes_max = 67108864;  // of all messages in the log, likewise
const shown_bytes_max = 65536;  // of one message; all of it is copied and counted
const shown_binary_max = 4096;
const folded_characters = 400;  // longer messages are folded, and those of more lines
const folded_lines = 7;
const waiting_max = 10000;      // messages whose answer is awaited, for the round trip

const $ = (id) => document.getElementById(id);
const encoder = new TextEncoder();
const log = $("log");
const sent = { messages: 0, bytes: 0 };
const received = { messages: 0, bytes: 0 };
const before = { sent: { ...sent }, received: { ...received } };  // a second ago
const trips = [];     // the last round trips, in ms
let waiting = [];     // when what has not been answered was sent
let unmeasured = 0;   // answers to come that were too many to wait for
let held = 0;         // bytes of all messages in the log
let fresh = [];       // entries that are not in the page yet
let history = [];     // what was typed
let history_at = 0;
let draft = "";       // what was being typed when the history was entered
let socket = null;
let opened_at = 0;
let follows = true;   // the log shows the newest
let painting = false;
let paint_ms = 0;     // how long the last painting took

$("url").value = (location.protocol === "https:" ? "wss://" : "ws://") + (location.host || "127.0.0.1:9000") + "/";

function size_text(bytes) {
  if (bytes < 1024) return bytes + " B";
  return bytes < 1048576 ? (bytes / 1024).toFixed(1) + " KiB" : (bytes / 1048576).toFixed(1) + " MiB";
}

function span_text(ms) {
  const two = (n) => String(Math.floor(n) % 60).padStart(2, "0");
  return Math.floor(ms / 3600000) + ":" + two(ms / 60000) + ":" + two(ms / 1000);
}

function time_text(ms) {
  return ms < 10 ? ms.toFixed(2) + " ms" : ms < 1000 ? ms.toFixed(0) + " ms" : (ms / 1000).toFixed(2) + " s";
}

function clock(now) {
  return now.toTimeString().slice(0, 8) + "." + String(now.getMilliseconds()).padStart(3, "0");
}

function plural(count, noun) { return count.toLocaleString("en") + " " + noun + (count === 1 ? "" : "s"); }

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

function is_long(text) {
  return text.length > folded_characters || text.split("\n", folded_lines + 1).length > folded_lines;
}

function unfolder(line, text) {
  const more = element("button", "more", "Show all");
  more.type = "button";
  more.setAttribute("aria-expanded", "false");
  more.onclick = () => {
    const open = line.classList.toggle("open");
    more.setAttribute("aria-expanded", String(open));
    more.textContent = open ? "Show less" : "Show all";
  };
  text.onclick = () => { if (!getSelection().toString()) more.click(); };
  return more;
}

function whole_text(item) { return item.data ? item.name + hex(item.data) : item.text; }

function row(item) {
  const line = element("li", item.way);
  line.item = item;
  line.hidden = !is_shown(item);
  if (item.way === "note") {
    line.append(element("span", "about", clock(item.time)), element("span", "arrow", "·"), element("span", "note", item.text));
    return line;
  }
  const about = element("span", "about");
  about.append(element("span", "", clock(item.time)), element("span", "", item.kind), element("span", "", size_text(item.bytes)));
  if (item.trip !== undefined) about.append(element("span", "trip", "round trip " + time_text(item.trip)));
  const text = element("pre", "", item.text.slice(0, shown_bytes_max) + (item.text.length > shown_bytes_max ? " …" : ""));
  const take = element("button", "take", "copy");
  take.type = "button";
  take.setAttribute("aria-label", "Copy this message");
  take.onclick = () => copy(whole_text(item));
  line.append(about, element("span", "arrow", item.way === "out" ? "↑" : "↓"), text, take);
  if (is_long(item.text)) {
    line.classList.add("long");
    line.append(unfolder(line, text));
  }
  return line;
}

function add(item) {
  item.time = new Date();
  held += item.bytes;
  fresh.push(item);
  if (fresh.length > 2 * entries_max) forget(fresh.splice(0, fresh.length - entries_max));
  paint_soon();
}

function forget(items) {
  for (const item of items) held -= item.bytes;
}

// Painting takes at most a quarter of the time: in a flood the messages come first.
function paint_soon() {
  if (painting) return;
  painting = true;
  if (paint_ms < 4) requestAnimationFrame(paint);
  else setTimeout(() => requestAnimationFrame(paint), Math.min(3 * paint_ms, 500));
}

function paint() {
  const began = performance.now();
  painting = false;
  if (fresh.length) {
    const items = fresh;
    fresh = [];
    forget(items.splice(0, items.length - entries_max));
    if (items.length === entries_max) drop_all();
    const made = document.createDocumentFragment();
    for (const item of items) made.append(row(item));
    log.append(made);
    while (log.childElementCount > 1 && (log.childElementCount > entries_max || held > held_bytes_max)) drop_oldest();
    if (follows) log.scrollTop = log.scrollHeight;
    $("newest").hidden = follows;
  }
  count();
  paint_ms = performance.now() - began;
}

function drop_oldest() {
  forget([log.firstElementChild.item]);
  log.firstElementChild.remove();
}

function drop_all() {
  forget(Array.from(log.children, (line) => line.item));
  log.replaceChildren();
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
$("clear").onclick = () => { drop_all(); forget(fresh); fresh = []; $("newest").hidden = true; };

let last_heard = "";  // for who cannot see it

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
    return clock(item.time) + " " + ({ in: "<", out: ">", note: "-" })[item.way] + " " + whole_text(item);
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
    put("trip", time_text(trips[trips.length - 1]));
    put("median", "median " + time_text(sorted[sorted.length >> 1]));
  }
  const open = socket && socket.readyState === WebSocket.OPEN;
  put("uptime", open ? span_text(performance.now() - opened_at) : "–");
}

let counted_at = performance.now();

// Timers of a page that nobody looks at come late: a rate is by the time that passed.
function count_second() {
  const seconds = (performance.now() - counted_at) / 1000;
  counted_at = performance.now();
  const heard = received.messages - before.received.messages;
  for (const [way, total] of Object.entries({ sent, received })) {
    const messages = Math.round((total.messages - before[way].messages) / seconds);
    put(way + "_rate", messages + "/s · " + size_text(Math.round((total.bytes - before[way].bytes) / seconds)) + "/s");
    before[way] = { ...total };
  }
  count();
  if (heard === 1) say("Received: " + last_heard);
  else if (heard > 1) say("Received " + plural(heard, "message"));
}
setInterval(count_second, 1000);

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
  const where = made.url;  // as the browser understood it
  show_state("opening", "Connecting to " + where);
  made.onopen = () => {
    opened_at = performance.now();
    waiting = [];
    unmeasured = 0;
    const with_what = [made.protocol && "subprotocol " + made.protocol, made.extensions].filter(Boolean).join(", ");
    show_state("open", "Connected to " + where + (with_what ? " with " + with_what : ""));
    add({ way: "note", bytes: 0, text: "Connected to " + where });
    if (matchMedia("(pointer: fine)").matches) $("message").focus();  // elsewhere a keyboard would cover the page
  };
  made.onmessage = (event) => arrived(event.data);
  made.onclose = (event) => {
    if (socket !== made) return;
    const why = "code " + event.code + (event.reason ? ", " + event.reason : "");
    const was_open = opened_at !== 0;
    opened_at = 0;
    socket = null;
    const text = was_open ? "Closed: " + why : "No connection to " + where + " (" + why + ")";
    show_state(was_open && event.wasClean ? "closed" : "failed", text);
    add({ way: "note", bytes: 0, text });
  };
}

$("connection").onsubmit = (event) => {
  event.preventDefault();
  if (socket) socket.close(1000);
  else connect();
};

function answered() {  // the round trip that ends now, if one does
  if (unmeasured > 0) {
    unmeasured -= 1;
    return undefined;
  }
  const began = waiting.shift();
  if (began === undefined) return undefined;
  const trip = performance.now() - began;
  if (trips.push(trip) > 100) trips.shift();
  return trip;
}

function hex_shown(data) {
  return hex(data.subarray(0, shown_binary_max)) + (data.length > shown_binary_max ? "\n…" : "");
}

function arrived(data) {
  const trip = answered();
  if (typeof data === "string") {
    const bytes = encoder.encode(data).length;
    tally(received, bytes);
    last_heard = data.slice(0, 200);
    add({ way: "in", kind: "text", bytes, text: data, trip });
  } else {
    const all = new Uint8Array(data);
    tally(received, all.length);
    last_heard = plural(all.length, "byte");
    add({ way: "in", kind: "binary", bytes: all.length, text: hex_shown(all), data: all, name: "", trip });
  }
}

function tally(total, bytes) {
  total.messages += 1;
  total.bytes += bytes;
}

function is_open() {
  if (socket && socket.readyState === WebSocket.OPEN) return true;
  say("Not connected");
  return false;
}

function sending(bytes) {
  tally(sent, bytes);
  if (waiting.length === waiting_max) {
    unmeasured += waiting.length;
    waiting = [];
  }
  waiting.push(performance.now());
}

function send_text(text) {
  if (!is_open()) return;
  const bytes = encoder.encode(text).length;
  sending(bytes);
  socket.send(text);
  add({ way: "out", kind: "text", bytes, text });
}

function send_binary(data, name) {
  if (!is_open()) return;
  sending(data.length);
  socket.send(data);
  const title = name + "\n";
  add({ way: "out", kind: "binary", bytes: data.length, text: title + hex_shown(data), data, name: title });
}

// ---- Typing

const message = $("message");
message.oninput = () => { message.style.height = "auto"; message.style.height = message.scrollHeight + 2 + "px"; };

function show_typed(at) {
  if (history_at === history.length) draft = message.value;
  history_at = Math.max(0, Math.min(at, history.length));
  message.value = history[history_at] ?? draft;
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
  if (!is_open()) return;
  send_text(text);
  if (text && history[history.length - 1] !== text && history.push(text) > 100) history.shift();
  history_at = history.length;
  message.value = "";
  message.oninput();
};

async function send_file(file) {
  try {
    send_binary(new Uint8Array(await file.arrayBuffer()), file.name);
  } catch (error) {  // a folder, or gone meanwhile
    say(file.name + ": " + error.message);
  }
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
