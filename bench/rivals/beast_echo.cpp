// Boost.Beast, as its examples write an asynchronous server: beast_echo [--deflate]
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/websocket.hpp>

#include <cstdio>
#include <cstring>
#include <memory>
#include <utility>

namespace {

namespace asio = boost::asio;
namespace websocket = boost::beast::websocket;
using asio::ip::tcp;
using boost::beast::error_code;

class Session : public std::enable_shared_from_this<Session> {
 public:
  Session(tcp::socket socket, bool deflate) : stream_(std::move(socket)) {
    websocket::permessage_deflate options;
    options.server_enable = deflate;
    options.compLevel = 1;
    stream_.set_option(options);
    stream_.read_message_max(64 * 1024 * 1024);
    stream_.auto_fragment(false);
  }

  void run() {
    stream_.async_accept([self = shared_from_this()](error_code error) {
      if (!error) self->read();
    });
  }

 private:
  void read() {
    stream_.async_read(buffer_, [self = shared_from_this()](error_code error, std::size_t) {
      if (!error) self->write();
    });
  }
  void write() {
    stream_.text(stream_.got_text());
    stream_.async_write(buffer_.data(), [self = shared_from_this()](error_code error, std::size_t) {
      if (error) return;
      self->buffer_.consume(self->buffer_.size());
      self->read();
    });
  }

  websocket::stream<tcp::socket> stream_;
  boost::beast::flat_buffer buffer_;
};

void accept(tcp::acceptor& acceptor, bool deflate) {
  acceptor.async_accept([&acceptor, deflate](error_code error, tcp::socket socket) {
    if (!error) {
      socket.set_option(tcp::no_delay(true));
      std::make_shared<Session>(std::move(socket), deflate)->run();
    }
    accept(acceptor, deflate);
  });
}

}  // namespace

int main(int count, char** words) {
  const bool deflate = count > 1 && std::strcmp(words[1], "--deflate") == 0;
  asio::io_context loop(1);
  tcp::acceptor acceptor(loop, {asio::ip::make_address("127.0.0.1"), 0});
  accept(acceptor, deflate);
  std::printf("%u\n", unsigned{acceptor.local_endpoint().port()});
  std::fflush(stdout);
  loop.run();
}
