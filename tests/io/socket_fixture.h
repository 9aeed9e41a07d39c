// What the tests of Socket share: every kind and family, a place for paths, and connected pairs.
#pragma once

#include <gtest/gtest.h>
#include <parley/socket.h>

#include <array>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <utility>

namespace parley {

struct Where {
  Kind kind;
  Family family;
  const char* name;
};

inline constexpr Where tcp4{Kind::tcp, Family::ipv4, "tcp4"};
inline constexpr Where tcp6{Kind::tcp, Family::ipv6, "tcp6"};
inline constexpr Where local_stream{Kind::local_stream, Family::local, "local_stream"};
inline constexpr Where udp4{Kind::udp, Family::ipv4, "udp4"};
inline constexpr Where udp6{Kind::udp, Family::ipv6, "udp6"};
inline constexpr Where local_datagram{Kind::local_datagram, Family::local, "local_datagram"};

inline constexpr std::array<Where, 3> streams = {tcp4, tcp6, local_stream};
inline constexpr std::array<Where, 3> datagrams = {udp4, udp6, local_datagram};

class SocketTest : public testing::TestWithParam<Where> {
 protected:
  ~SocketTest() override {
    if (!folder_.empty()) std::filesystem::remove_all(folder_);
  }

  std::string path(const std::string& name) {
    if (folder_.empty()) {
      std::string text = (std::filesystem::temp_directory_path() / "parley-XXXXXX").string();
      folder_ = ::mkdtemp(text.data());
    }
    return folder_ / name;
  }

  Address free_address(const Where& where) {
    if (where.family == Family::local) return *Address::local(path("socket-" + std::to_string(++paths_)));
    return Address::loopback(where.family, 0);
  }

  Socket open(const Where& where) {
    auto socket = Socket::open(where.kind, where.family);
    EXPECT_TRUE(socket) << (socket ? "" : socket.error().message());
    return std::move(*socket);
  }

  Socket bound(const Where& where) {
    Socket socket = open(where);
    const auto done = socket.bind(free_address(where));
    EXPECT_TRUE(done) << (done ? "" : done.error().message());
    return socket;
  }

  Socket listening(const Where& where, int backlog = Socket::backlog_default) {
    Socket socket = bound(where);
    EXPECT_TRUE(socket.listen(backlog));
    return socket;
  }

  std::pair<Socket, Socket> connected(const Where& where) {
    Socket server = listening(where);
    Socket client = open(where);
    EXPECT_TRUE(client.connect(*server.local_address()));
    return {std::move(client), std::move(server.accept()->socket)};
  }

  std::array<std::byte, 4096> buffer_;

 private:
  std::filesystem::path folder_;
  int paths_ = 0;
};

inline std::string where_name(const testing::TestParamInfo<Where>& info) { return info.param.name; }

// What a receive() gave, as text, or the name of its error.
inline std::string told(const Result<Bytes>& bytes) {
  return bytes ? std::string(as_text(*bytes)) : "error: " + std::string(name(bytes.error().code));
}

template <class T>
std::string told(const Result<T>& result) {
  return result ? "done" : "error: " + std::string(name(result.error().code));
}

}  // namespace parley
