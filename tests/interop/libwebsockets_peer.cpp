// A peer of libwebsockets: client and server. Its callbacks, of which both roles share most.
#include <libwebsockets.h>

#include <cstring>
#include <deque>
#include <functional>
#include <memory>

#include "script.h"

namespace {

enum class What { text, binary, fragment, end_of_fragments, ping, close };

struct Word {
  What what = What::text;
  std::string bytes = {};
  std::uint16_t code = 0;  // of What::close
};

// One connection, of either role.
struct Peer {
  std::deque<Word> words;  // to be said
  std::string heard;       // of a message
  std::string writing;     // from which it is compressed bit by bit, until the next is written
  bool fragmenting = false;
  bool began_to_close = false;
  std::uint16_t code = 0;  // what the other end closed with
  std::string reason;
  std::function<void(std::string message, bool text)> received;
  std::function<void()> pong = [] {};
  std::function<void()> closed = [] {};
  std::function<void()> opened = [] {};
};

bool deflate = false;

void say(lws* connection, Peer& peer, Word word) {
  peer.words.push_back(std::move(word));
  lws_callback_on_writable(connection);
}

lws_write_protocol kind_of(const Word& word, bool& fragmenting) {
  if (word.what == What::ping) return LWS_WRITE_PING;
  if (word.what == What::binary) return LWS_WRITE_BINARY;
  int kind = fragmenting ? LWS_WRITE_CONTINUATION : LWS_WRITE_TEXT;
  fragmenting = word.what == What::fragment;
  if (fragmenting) kind |= LWS_WRITE_NO_FIN;
  return static_cast<lws_write_protocol>(kind);
}

// -1 closes, in libwebsockets' terms.
int write_one(lws* connection, Peer& peer) {
  if (peer.words.empty()) return 0;
  Word word = std::move(peer.words.front());
  peer.words.pop_front();
  if (word.what == What::close) {
    peer.began_to_close = true;
    auto* const reason = reinterpret_cast<unsigned char*>(word.bytes.data());
    lws_close_reason(connection, static_cast<lws_close_status>(word.code), reason, word.bytes.size());
    return -1;
  }
  peer.writing.assign(LWS_PRE, '\0');
  peer.writing += word.bytes;
  auto* const payload = reinterpret_cast<unsigned char*>(peer.writing.data()) + LWS_PRE;
  const int written = lws_write(connection, payload, word.bytes.size(), kind_of(word, peer.fragmenting));
  if (!peer.words.empty()) lws_callback_on_writable(connection);
  return written < 0 ? -1 : 0;
}

void hear(lws* connection, Peer& peer, std::string_view part) {
  peer.heard += part;
  if (!lws_is_final_fragment(connection) || lws_remaining_packet_payload(connection) != 0) return;
  std::string message = std::move(peer.heard);
  peer.heard.clear();
  peer.received(std::move(message), !lws_frame_is_binary(connection));
}

void note_close(Peer& peer, std::string_view body) {
  if (body.size() < 2) return;
  peer.code =
      static_cast<std::uint16_t>(static_cast<unsigned char>(body[0]) << 8 | static_cast<unsigned char>(body[1]));
  peer.reason = body.substr(2);
}

// What happened to `peer`, of either role.
int handle(lws* connection, lws_callback_reasons what, Peer* peer, std::string_view bytes) {
  switch (what) {
    case LWS_CALLBACK_ESTABLISHED:
    case LWS_CALLBACK_CLIENT_ESTABLISHED: peer->opened(); return 0;
    case LWS_CALLBACK_RECEIVE:
    case LWS_CALLBACK_CLIENT_RECEIVE: hear(connection, *peer, bytes); return 0;
    case LWS_CALLBACK_SERVER_WRITEABLE:
    case LWS_CALLBACK_CLIENT_WRITEABLE: return write_one(connection, *peer);
    case LWS_CALLBACK_RECEIVE_PONG:
    case LWS_CALLBACK_CLIENT_RECEIVE_PONG: peer->pong(); return 0;
    case LWS_CALLBACK_WS_PEER_INITIATED_CLOSE: note_close(*peer, bytes); return 0;
    case LWS_CALLBACK_CLOSED:
    case LWS_CALLBACK_CLIENT_CLOSED: peer->closed(); return 0;
    default: return 0;
  }
}

int refuse_deflate(lws_callback_reasons what) {  // 1: that extension is not for us
  return (what == LWS_CALLBACK_CONFIRM_EXTENSION_OKAY || what == LWS_CALLBACK_CLIENT_CONFIRM_EXTENSION_SUPPORTED) &&
         !deflate;
}

// --- server -------------------------------------------------------------------------------------------------------

void obey(lws* connection, Peer& peer, std::string message, bool text) {
  std::uint16_t code = 0;
  std::string_view reason;
  if (text && script::is_close_order(message, code, reason)) {
    say(connection, peer, {What::close, std::string(reason), code});
  } else if (text && message == "ping") {
    say(connection, peer, {What::ping, "payload"});  // an empty pong is never told
  } else {
    say(connection, peer, {text ? What::text : What::binary, std::move(message)});
  }
}

int serve_one(lws* connection, lws_callback_reasons what, void* user, void* in, std::size_t size) {
  auto* const memory = static_cast<Peer**>(user);
  if (what == LWS_CALLBACK_ESTABLISHED) {
    Peer* peer = *memory = new Peer;
    peer->received = [=](std::string message, bool text) { obey(connection, *peer, std::move(message), text); };
    peer->pong = [=] { say(connection, *peer, {What::text, "ponged"}); };
    peer->closed = [=] {
      if (!peer->began_to_close) std::cout << "Closed " << peer->code << ' ' << peer->reason << '\n' << std::flush;
      delete peer;
    };
  }
  if (refuse_deflate(what)) return 1;
  return handle(connection, what, memory ? *memory : nullptr, {static_cast<const char*>(in), in ? size : 0});
}

// --- client -------------------------------------------------------------------------------------------------------

// What is said, and what must come back; then the next.
struct Step {
  std::vector<Word> words;
  std::vector<std::pair<std::string, bool>> answers = {};
  std::string name = {};
};

struct Call : script::Failures {
  lws_context* context = nullptr;
  std::uint16_t port = 0;
  std::vector<std::vector<Step>> connections;
  std::vector<std::uint16_t> asked;  // of the connections at the end
  std::size_t connection = 0;        // the present one
  std::size_t step = 0;
  std::size_t answer = 0;
  Peer peer;
  bool over = false;
};

std::vector<Step> conversation() {
  std::vector<Step> steps;
  for (const std::size_t size : script::sizes) {
    for (const bool text : {true, false}) {
      if (!script::is_sent(size, text)) continue;
      const std::string message = script::filling(size);
      steps.push_back({{{text ? What::text : What::binary, message}}, {{message, text}}, std::to_string(size)});
    }
  }
  Step fragments{{}, {{std::string(script::four_bytes), true}}, "fragments"};
  for (const char byte : script::four_bytes) fragments.words.push_back({What::fragment, std::string(1, byte)});
  fragments.words.push_back({What::end_of_fragments});
  steps.push_back(fragments);
  Step many{{}, {}, "many small messages"};
  for (int i = 0; i < script::small_messages; ++i) {
    many.words.push_back({What::text, std::to_string(i)});
    many.answers.emplace_back(std::to_string(i), true);
  }
  steps.push_back(many);
  steps.push_back({{{What::ping, "payload"}}, {{"a pong", true}}, "a pong"});
  steps.push_back({{{What::text, "ping"}}, {{"ponged", true}}, "the server's ping"});
  steps.push_back({{{What::close, "bye", 1000}}});
  return steps;
}

void call_next(Call& call);

void take_step(lws* connection, Call& call) {
  call.answer = 0;
  for (Word& word : call.connections[call.connection][call.step].words) say(connection, call.peer, std::move(word));
}

void check_answer(lws* connection, Call& call, const std::string& message, bool text) {
  const auto& steps = call.connections[call.connection];
  const Step& step = steps[call.step];
  const bool expected = call.answer < step.answers.size() && step.answers[call.answer].first == message &&
                        step.answers[call.answer].second == text;
  call.expect(expected, step.name + ", answer " + std::to_string(call.answer));
  if (++call.answer < step.answers.size() || ++call.step == steps.size()) return;
  take_step(connection, call);
}

void check_close(Call& call) {
  const std::size_t asked_from = call.connections.size() - call.asked.size();
  if (call.connection >= asked_from) {
    const std::uint16_t code = call.asked[call.connection - asked_from];
    call.expect(call.peer.code == code && call.peer.reason == "why",
                "asked for " + std::to_string(code) + ": " + std::to_string(call.peer.code));
  } else {
    call.expect(call.peer.began_to_close, "a connection was closed in the middle");
  }
  ++call.connection;
  call.over = call.connection == call.connections.size();
  if (!call.over) call_next(call);
}

int call_one(lws* connection, lws_callback_reasons what, void* user, void* in, std::size_t size) {
  if (refuse_deflate(what)) return 1;
  auto* const call = static_cast<Call*>(user);
  if (what == LWS_CALLBACK_CLIENT_CONNECTION_ERROR) {
    call->expect(false, in ? static_cast<const char*>(in) : "connecting");
    call->over = true;
    return 0;
  }
  if (what == LWS_CALLBACK_CLIENT_ESTABLISHED) {
    call->peer.received = [=](std::string message, bool text) { check_answer(connection, *call, message, text); };
    call->peer.pong = [=] { check_answer(connection, *call, "a pong", true); };
    call->peer.opened = [=] { take_step(connection, *call); };
    call->peer.closed = [=] { check_close(*call); };
  }
  return handle(connection, what, call ? &call->peer : nullptr, {static_cast<const char*>(in), in ? size : 0});
}

void call_next(Call& call) {
  call.peer = {};
  call.step = 0;
  const std::string host = "127.0.0.1:" + std::to_string(call.port);
  lws_client_connect_info info{};
  info.context = call.context;
  info.address = "127.0.0.1";
  info.port = call.port;
  info.path = "/";
  info.host = host.c_str();
  info.protocol = nullptr;
  info.local_protocol_name = "script";
  info.userdata = &call;
  if (!lws_client_connect_via_info(&info)) call.over = true;
}

int run(lws_context* context, char** argv) {
  Call call;
  call.context = context;
  call.port = script::port_of(argv[2]);
  call.connections.push_back(conversation());
  for (const std::uint16_t code : script::numbers(argv[4])) {
    call.connections.push_back({{{{What::close, "bye", code}}}});
  }
  call.asked = script::numbers(argv[5]);
  for (const std::uint16_t code : call.asked) {
    call.connections.push_back({{{{What::text, "close " + std::to_string(code) + " why"}}}});
  }
  call_next(call);
  while (!call.over) lws_service(context, 0);
  call.expect(call.connection == call.connections.size(), "not all connections");
  return call.count == 0 ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3 && argc != 6) return 2;
  const bool server = argc == 3;
  deflate = std::string_view(argv[server ? 2 : 3]) == "deflate";
  lws_set_log_level(LLL_ERR, nullptr);
  const lws_protocols protocols[] = {
      {"script", server ? serve_one : call_one, server ? sizeof(Peer*) : 0, 65536, 0, nullptr, 0},
      {nullptr, nullptr, 0, 0, 0, nullptr, 0}};
  const lws_extension extensions[] = {
      {"permessage-deflate", lws_extension_callback_pm_deflate, "permessage-deflate; client_max_window_bits"},
      {nullptr, nullptr, nullptr}};
  lws_context_creation_info info{};
  info.port = server ? 0 : CONTEXT_PORT_NO_LISTEN;
  info.iface = server ? "127.0.0.1" : nullptr;
  info.protocols = protocols;
  info.extensions = extensions;
  lws_context* const context = lws_create_context(&info);
  if (!context) return 1;
  int code = 0;
  if (server) {
    lws_vhost* const host = lws_get_vhost_by_name(context, "default");
    std::cout << "Bound to 127.0.0.1:" << lws_get_vhost_listen_port(host) << '\n' << std::flush;
    while (code >= 0) code = lws_service(context, 0);
  } else {
    code = run(context, argv);
  }
  lws_context_destroy(context);
  return code;
}
