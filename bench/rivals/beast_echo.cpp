// Boost.Beast, as its examples write an asynchronous server: beast_echo [--deflate] [--certificate FILE --key FILE]
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/ssl.hpp>
#include <boost/beast/websocket.hpp>

#include <cstdio>
#include <cstring>
#include <memory>
#include <string>
#include <utility>

namespace {

namespace asio = boost::asio;
namespace websocket = boost::beast::websocket;
using asio::ip::tcp;
using boost::beast::error_code;

using Plain = tcp::socket;
using Secure = boost::beast::ssl_stream<tcp::socket>;

template <class Below>
class Session : public std::enable_shared_from_this<Session<Below>> {
 public:
  template <class... Arguments>
  explicit Session(bool deflate, Arguments&&... below) : stream_(std::forward<Arguments>(below)...) {
    websocket::permessage_deflate options;
    options.server_enable = deflate;
    options.compLevel = 1;
    stream_.set_option(options);
    stream_.read_message_max(64 * 1024 * 1024);
    stream_.auto_fragment(false);
  }

  void shake_hands() {
    stream_.next_layer().async_handshake(asio::ssl::stream_base::server,
                                         [self = this->shared_from_this()](error_code error) {
                                           if (!error) self->run();
                                         });
  }
  void run() {
    stream_.async_accept([self = this->shared_from_this()](error_code error) {
      if (!error) self->read();
    });
  }

 private:
  void read() {
    stream_.async_read(buffer_, [self = this->shared_from_this()](error_code error, std::size_t) {
      if (!error) self->write();
    });
  }
  void write() {
    stream_.text(stream_.got_text());
    stream_.async_write(buffer_.data(), [self = this->shared_from_this()](error_code error, std::size_t) {
      if (error) return;
      self->buffer_.consume(self->buffer_.size());
      self->read();
    });
  }

  websocket::stream<Below> stream_;
  boost::beast::flat_buffer buffer_;
};

void accept(tcp::acceptor& acceptor, bool deflate, asio::ssl::context* tls) {
  acceptor.async_accept([&acceptor, deflate, tls](error_code error, tcp::socket socket) {
    if (!error) {
      socket.set_option(tcp::no_delay(true));
      if (tls) {
        std::make_shared<Session<Secure>>(deflate, std::move(socket), *tls)->shake_hands();
      } else {
        std::make_shared<Session<Plain>>(deflate, std::move(socket))->run();
      }
    }
    accept(acceptor, deflate, tls);
  });
}

}  // namespace

int main(int count, char** words) {
  const bool deflate = count > 1 && std::strcmp(words[1], "--deflate") == 0;
  asio::io_context loop(1);
  tcp::acceptor acceptor(loop, {asio::ip::make_address("127.0.0.1"), 0});
  asio::ssl::context tls(asio::ssl::context::tls_server);
  const bool secure = count == 5 && std::strcmp(words[1], "--certificate") == 0;
  if (secure) {
    tls.use_certificate_chain_file(words[2]);
    tls.use_private_key_file(words[4], asio::ssl::context::pem);
  }
  accept(acceptor, deflate, secure ? &tls : nullptr);
  std::printf("%u\n", unsigned{acceptor.local_endpoint().port()});
  std::fflush(stdout);
  loop.run();
}
