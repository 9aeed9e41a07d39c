// libwebsockets: libwebsockets_echo [--deflate]
//
// It hands out what it has received piece by piece, and a write is allowed only in its callback, so whole messages wait
// in a queue until then.
#include <libwebsockets.h>

#include <cstdio>
#include <cstring>
#include <deque>
#include <new>
#include <string>

namespace {

struct Message {
  std::string bytes = std::string(LWS_PRE, '\0');
  bool binary = false;
};

struct Session {
  Message arriving;
  std::deque<Message> waiting;
};

int answer(lws* connection, Session& session) {
  if (session.waiting.empty()) return 0;
  Message& message = session.waiting.front();
  const std::size_t size = message.bytes.size() - LWS_PRE;
  auto* at = reinterpret_cast<unsigned char*>(message.bytes.data()) + LWS_PRE;
  if (lws_write(connection, at, size, message.binary ? LWS_WRITE_BINARY : LWS_WRITE_TEXT) < 0) return -1;
  session.waiting.pop_front();
  if (!session.waiting.empty()) lws_callback_on_writable(connection);
  return 0;
}

int called(lws* connection, lws_callback_reasons reason, void* memory, void* in, std::size_t size) {
  auto* session = static_cast<Session*>(memory);
  switch (reason) {
    case LWS_CALLBACK_ESTABLISHED: new (session) Session; break;
    case LWS_CALLBACK_CLOSED: session->~Session(); break;
    case LWS_CALLBACK_RECEIVE:
      session->arriving.bytes.append(static_cast<const char*>(in), size);
      if (!lws_is_final_fragment(connection) || lws_remaining_packet_payload(connection) != 0) break;
      session->arriving.binary = lws_frame_is_binary(connection) != 0;
      session->waiting.push_back(std::move(session->arriving));
      session->arriving = {};
      lws_callback_on_writable(connection);
      break;
    case LWS_CALLBACK_SERVER_WRITEABLE: return answer(connection, *session);
    default: break;
  }
  return 0;
}

}  // namespace

int main(int count, char** words) {
  const bool deflate = count > 1 && std::strcmp(words[1], "--deflate") == 0;
  lws_set_log_level(0, nullptr);
  const lws_protocols protocols[] = {{"", called, sizeof(Session), 64 * 1024, 0, nullptr, 0},
                                     {nullptr, nullptr, 0, 0, 0, nullptr, 0}};
  const lws_extension extensions[] = {
      {"permessage-deflate", lws_extension_callback_pm_deflate, "permessage-deflate; client_max_window_bits"},
      {nullptr, nullptr, nullptr}};
  lws_context_creation_info info{};
  info.port = 0;
  info.iface = "127.0.0.1";
  info.protocols = protocols;
  info.extensions = deflate ? extensions : nullptr;
  info.pt_serv_buf_size = 128 * 1024;
  info.fd_limit_per_thread = 16384;
  info.options = LWS_SERVER_OPTION_DISABLE_IPV6 | LWS_SERVER_OPTION_EXPLICIT_VHOSTS | LWS_SERVER_OPTION_VALIDATE_UTF8;
  lws_context* context = lws_create_context(&info);
  lws_vhost* host = context ? lws_create_vhost(context, &info) : nullptr;
  if (!host) return 1;
  std::printf("%d\n", lws_get_vhost_listen_port(host));
  std::fflush(stdout);
  while (lws_service(context, 0) >= 0) continue;
  lws_context_destroy(context);
}
