// Both ends of a connection: one is a Stream on a loop, the other a plain blocking Socket, whose every step a test
// decides.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include <parley/listener.h>
#include <parley/loop.h>
#include <parley/socket.h>
#include <parley/stream.h>
#include <parley/task.h>

namespace parley {

struct Ends {
  Stream stream;
  Socket peer;
};

// With small kernel buffers, so that they are soon full.
inline Task<Ends> connected(Loop& loop, bool small_buffers = false) {
  Result<Listener> listener = listen(loop, "tcp://127.0.0.1:0");
  EXPECT_TRUE(listener);
  Ends ends;
  ends.peer = *Socket::open(Kind::tcp);
  if (small_buffers) {
    EXPECT_TRUE(ends.peer.set_receive_buffer_bytes(4096));
  }
  EXPECT_TRUE(ends.peer.connect(listener->local_address()));
  Result<Stream> stream = co_await listener->accept();
  EXPECT_TRUE(stream);
  ends.stream = std::move(*stream);
  co_return ends;
}

// What the peer receives until the end of the stream, or an error.
inline std::string drain(Socket& peer) {
  std::string all;
  std::vector<std::byte> buffer(64 * 1024);
  while (auto bytes = peer.receive(buffer)) all += as_text(*bytes);
  return all;
}

inline std::string receive_exactly(Socket& peer, std::size_t count) {
  std::string all;
  std::vector<std::byte> buffer(64 * 1024);
  while (all.size() < count) {
    auto bytes = peer.receive(std::span(buffer).first(std::min(buffer.size(), count - all.size())));
    if (!bytes) break;
    all += as_text(*bytes);
  }
  return all;
}

// Letters that show what is missing or twice.
inline std::string letters(std::size_t count, std::size_t from = 0) {
  std::string text(count, '\0');
  for (std::size_t i = 0; i < count; ++i) text[i] = static_cast<char>('a' + (from + i) % 23);
  return text;
}

inline Task<> receive_once(Stream& stream, Result<std::string>& outcome) {
  auto bytes = co_await stream.receive();
  if (bytes) {
    outcome = std::string(as_text(*bytes));
  } else {
    outcome = std::unexpected(bytes.error());
  }
}

// Takes `count` bytes from the peer's end while the loop goes on.
inline Task<std::string> receive_beside(Socket& peer, std::size_t count) {
  EXPECT_TRUE(peer.set_blocking(false));
  std::string all;
  std::vector<std::byte> buffer(64 * 1024);
  while (all.size() < count) {
    auto bytes = peer.receive(buffer);
    if (bytes) {
      all += as_text(*bytes);
    } else if (bytes.error() == Errc::would_block) {
      co_await yield();
    } else {
      break;
    }
  }
  EXPECT_TRUE(peer.set_blocking(true));
  co_return all;
}

}  // namespace parley
