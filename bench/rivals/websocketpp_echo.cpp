// websocketpp over Boost.Asio, without its log: websocketpp_echo [--deflate]
#include <websocketpp/concurrency/none.hpp>
#include <websocketpp/config/asio_no_tls.hpp>
#include <websocketpp/extensions/permessage_deflate/enabled.hpp>
#include <websocketpp/logger/stub.hpp>
#include <websocketpp/server.hpp>

#include <cstdio>
#include <cstring>

namespace {

struct Config : websocketpp::config::asio {
  using type = Config;
  using base = websocketpp::config::asio;
  using concurrency_type = websocketpp::concurrency::none;
  using request_type = base::request_type;
  using response_type = base::response_type;
  using message_type = base::message_type;
  using con_msg_manager_type = base::con_msg_manager_type;
  using endpoint_msg_manager_type = base::endpoint_msg_manager_type;
  using alog_type = websocketpp::log::stub;
  using elog_type = websocketpp::log::stub;
  using rng_type = base::rng_type;
  struct transport_config : base::transport_config {
    using concurrency_type = Config::concurrency_type;
    using alog_type = Config::alog_type;
    using elog_type = Config::elog_type;
    using request_type = Config::request_type;
    using response_type = Config::response_type;
    using socket_type = websocketpp::transport::asio::basic_socket::endpoint;
  };
  using transport_type = websocketpp::transport::asio::endpoint<transport_config>;
  static const std::size_t max_message_size = 64 * 1024 * 1024;
};

struct Deflating : Config {
  struct permessage_deflate_config {};
  using permessage_deflate_type = websocketpp::extensions::permessage_deflate::enabled<permessage_deflate_config>;
};

template <class Configuration>
void serve() {
  using Server = websocketpp::server<Configuration>;
  Server server;
  server.init_asio();
  server.set_reuse_addr(true);
  server.set_tcp_pre_init_handler([&server](websocketpp::connection_hdl handle) {
    websocketpp::lib::asio::error_code ignored;
    server.get_con_from_hdl(handle)->get_raw_socket().set_option(websocketpp::lib::asio::ip::tcp::no_delay(true),
                                                                 ignored);
  });
  server.set_message_handler([&server](websocketpp::connection_hdl handle, typename Server::message_ptr message) {
    server.send(handle, message->get_payload(), message->get_opcode());
  });
  server.listen(
      websocketpp::lib::asio::ip::tcp::endpoint(websocketpp::lib::asio::ip::address::from_string("127.0.0.1"), 0));
  server.start_accept();
  websocketpp::lib::asio::error_code error;
  std::printf("%u\n", unsigned{server.get_local_endpoint(error).port()});
  std::fflush(stdout);
  server.run();
}

}  // namespace

int main(int count, char** words) {
  count > 1 && std::strcmp(words[1], "--deflate") == 0 ? serve<Deflating>() : serve<Config>();
}
