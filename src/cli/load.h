// Load: many connections to one server, each sending messages and checking that they come back unchanged.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <parley/endpoint.h>
#include <parley/event.h>
#include <parley/loop.h>
#include <parley/stream.h>
#include <parley/task.h>
#include <parley/ws/session.h>

#include "cli/histogram.h"

namespace parley::cli {

enum class Content : std::uint8_t { binary, text, utf8, json };

// A message of that size: the same bytes each time. `utf8` is characters of one to four bytes, `json` an array of
// small objects, cut and filled up with blanks.
std::string make_message(Content content, std::size_t bytes);

struct LoadOptions {
  Endpoint endpoint;     // unless there is a `url`
  std::string url = {};  // ws:// or ws+unix:
  std::size_t connections = 64;
  std::size_t in_flight = 1;  // messages of a connection that are not back yet; of a closed loop
  std::size_t bytes = 64;     // of a message
  Content content = Content::binary;
  bool compress = false;
  double rate = 0;  // messages a second over all connections, whatever comes back; 0: a closed loop
  std::chrono::nanoseconds connect_time = std::chrono::seconds(10);  // for each connection
};

// What has come of it since reset().
struct LoadResult {
  std::uint64_t messages = 0;  // that came back as they were sent
  std::uint64_t wrong = 0;     // that did not
  Histogram latency;           // from when a message was to be sent until it was back
  Histogram lateness;          // with a rate: from when it was to be sent until it was
};

class Load {
 public:
  Load(Loop& loop, const LoadOptions& options);

  // Opens all connections, a few at a time. The first error, if one failed.
  Task<Result<void>> connect();
  // Sends, until stop().
  void start();
  void stop() noexcept { group_.stop(); }
  Task<> join();

  const LoadResult& result() const noexcept { return result_; }
  // Forgets what has come so far: the end of warming up.
  void reset() noexcept { result_ = {}; }
  std::size_t connected() const noexcept { return flows_.size(); }
  // Connections that broke while they were used; `first_error` is of the first.
  std::size_t broken() const noexcept { return broken_; }
  Error first_error() const noexcept { return first_error_; }

 private:
  using Time = std::chrono::nanoseconds;

  // One connection.
  struct Flow {
    Stream stream;
    ws::Session session;
    std::deque<Time> due = {};  // of the messages that are not back
    std::size_t credit = 0;     // of a closed loop: how many may be sent now
    Event more = {};
    std::size_t matched = 0;  // bytes of the present message, of a stream
    bool is_wrong = false;    // one of them was another
  };

  Task<> open_some(Result<void>& result);
  Task<Result<void>> open_one();
  Task<> send_closed(Flow& flow);
  Task<> send_at_rate(Flow& flow, std::size_t number);
  Task<Result<void>> send(Flow& flow);
  Task<> receive(Flow& flow);
  void take(Flow& flow, Bytes bytes) noexcept;
  void came_back(Flow& flow, bool good) noexcept;
  void broke(Error error) noexcept;

  Loop& loop_;
  LoadOptions options_;
  std::string message_;
  LoadResult result_;
  std::deque<Flow> flows_;
  std::size_t opening_ = 0;
  std::size_t broken_ = 0;
  Error first_error_;
  TaskGroup group_;
};

}  // namespace parley::cli
