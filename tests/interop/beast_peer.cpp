// A peer of Boost.Beast: client and server.
#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/websocket.hpp>

#include "script.h"

namespace {

namespace asio = boost::asio;
namespace websocket = boost::beast::websocket;
using asio::use_awaitable;
using asio::ip::tcp;
using Stream = websocket::stream<tcp::socket>;

constexpr std::size_t message_bytes_max = 32 * 1024 * 1024;

void set_options(Stream& peer, bool deflate) {
  websocket::permessage_deflate options;
  options.server_enable = options.client_enable = deflate;
  options.compLevel = 1;  // 8, the default, takes 8 s of 16 MiB of this kind
  peer.set_option(options);
  peer.read_message_max(message_bytes_max);
}

struct Message {
  std::string bytes;
  bool text = true;
  friend bool operator==(const Message&, const Message&) = default;
};

asio::awaitable<void> send(Stream& peer, const Message& message) {
  peer.text(message.text);
  co_await peer.async_write(asio::buffer(message.bytes), use_awaitable);
}

asio::awaitable<Message> receive(Stream& peer) {
  boost::beast::flat_buffer buffer;
  co_await peer.async_read(buffer, use_awaitable);
  const auto data = buffer.cdata();
  co_return Message{std::string(static_cast<const char*>(data.data()), data.size()), peer.got_text()};
}

// --- server -------------------------------------------------------------------------------------------------------

asio::awaitable<void> say_ponged(Stream& peer) {
  const Message ponged{"ponged"};
  co_await send(peer, ponged);
}

asio::awaitable<void> obey(Stream& peer, const Message& message) {
  std::uint16_t code = 0;
  std::string_view reason;
  if (message.text && script::is_close_order(message.bytes, code, reason)) {
    const websocket::close_reason why(websocket::close_code(code), {reason.data(), reason.size()});
    co_await peer.async_close(why, use_awaitable);
  } else if (message.text && message.bytes == "ping") {
    peer.control_callback([&peer](websocket::frame_type type, boost::beast::string_view) {
      if (type == websocket::frame_type::pong) {
        asio::co_spawn(peer.get_executor(), say_ponged(peer), asio::detached);
      }
    });
    co_await peer.async_ping({}, use_awaitable);
  } else {
    co_await send(peer, message);
  }
}

asio::awaitable<void> answer(tcp::socket socket, bool deflate) {
  Stream peer(std::move(socket));
  set_options(peer, deflate);
  try {
    co_await peer.async_accept(use_awaitable);
    for (;;) {
      const Message message = co_await receive(peer);
      co_await obey(peer, message);
    }
  } catch (const boost::system::system_error&) {
    std::cout << "Closed " << peer.reason().code << ' ' << peer.reason().reason.c_str() << '\n' << std::flush;
  }
}

asio::awaitable<void> serve(bool deflate) {
  tcp::acceptor acceptor(co_await asio::this_coro::executor, {asio::ip::make_address("127.0.0.1"), 0});
  std::cout << "Bound to 127.0.0.1:" << acceptor.local_endpoint().port() << '\n' << std::flush;
  for (;;) {
    tcp::socket socket = co_await acceptor.async_accept(use_awaitable);
    asio::co_spawn(acceptor.get_executor(), answer(std::move(socket), deflate), asio::detached);
  }
}

// --- client -------------------------------------------------------------------------------------------------------

struct Call : script::Failures {
  std::uint16_t port = 0;
  bool deflate = false;
  std::vector<std::uint16_t> codes;
  std::vector<std::uint16_t> asked;
};

asio::awaitable<Stream> connect(const Call& call) {
  Stream peer(co_await asio::this_coro::executor);
  set_options(peer, call.deflate);
  const tcp::endpoint server(asio::ip::make_address("127.0.0.1"), call.port);
  co_await peer.next_layer().async_connect(server, use_awaitable);
  peer.next_layer().set_option(tcp::no_delay(true));
  const std::string host = "127.0.0.1:" + std::to_string(call.port);
  co_await peer.async_handshake(host, "/", use_awaitable);
  co_return peer;
}

asio::awaitable<void> talk(Stream& peer, Call& call) {
  for (const std::size_t size : script::sizes) {
    for (const bool text : {true, false}) {
      if (!script::is_sent(size, text)) continue;
      const Message message{script::filling(size), text};
      co_await send(peer, message);
      const Message answer = co_await receive(peer);
      call.expect(answer == message, "a message of " + std::to_string(size));
    }
  }
  peer.text(true);
  for (std::size_t at = 0; at <= script::four_bytes.size(); ++at) {  // the last is empty
    const std::string_view part = script::four_bytes.substr(at, 1);
    co_await peer.async_write_some(part.empty(), asio::buffer(part), use_awaitable);
  }
  Message answer = co_await receive(peer);
  call.expect(answer.text && answer.bytes == script::four_bytes, "fragments");
  for (int i = 0; i < script::small_messages; ++i) {
    const Message message{std::to_string(i)};
    co_await send(peer, message);
  }
  for (int i = 0; i < script::small_messages; ++i) {
    answer = co_await receive(peer);
    call.expect(answer.text && answer.bytes == std::to_string(i), "small message " + std::to_string(i));
  }
  bool pong = false;
  peer.control_callback([&pong](websocket::frame_type type, boost::beast::string_view payload) {
    pong = pong || (type == websocket::frame_type::pong && payload == "payload");
  });
  co_await peer.async_ping("payload", use_awaitable);
  const Message ping{"ping"};
  co_await send(peer, ping);
  answer = co_await receive(peer);
  call.expect(answer.bytes == "ponged", "the server's ping");
  call.expect(pong, "a pong");
  peer.control_callback();
}

asio::awaitable<void> run(Call& call) {
  Stream peer = co_await connect(call);
  co_await talk(peer, call);
  co_await peer.async_close(websocket::close_code::normal, use_awaitable);
  for (const std::uint16_t code : call.codes) {
    Stream next = co_await connect(call);
    const websocket::close_reason bye(websocket::close_code(code), "bye");
    co_await next.async_close(bye, use_awaitable);
    call.expect(next.reason().code == code, "closing with " + std::to_string(code));
  }
  for (const std::uint16_t code : call.asked) {
    Stream next = co_await connect(call);
    const Message order{"close " + std::to_string(code) + " why"};
    co_await send(next, order);
    bool closed = false;
    try {
      co_await receive(next);
    } catch (const boost::system::system_error& error) {
      closed = error.code() == websocket::error::closed;
    }
    call.expect(closed && next.reason().code == code && next.reason().reason == "why",
                "asked for " + std::to_string(code) + ": " + std::to_string(next.reason().code));
  }
}

}  // namespace

int main(int argc, char** argv) {
  asio::io_context context(1);
  const auto rethrow = [](std::exception_ptr exception) {
    if (exception) std::rethrow_exception(exception);
  };
  if (argc == 3) {
    asio::co_spawn(context, serve(argv[2] == std::string_view("deflate")), rethrow);
    context.run();
    return 0;
  }
  if (argc != 6) return 2;
  Call call{{},
            script::port_of(argv[2]),
            argv[3] == std::string_view("deflate"),
            script::numbers(argv[4]),
            script::numbers(argv[5])};
  try {
    asio::co_spawn(context, run(call), rethrow);
    context.run();
  } catch (const std::exception& error) {
    call.expect(false, error.what());
  }
  return call.count == 0 ? 0 : 1;
}
