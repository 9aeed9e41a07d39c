// Load: many connections to one server, each sending messages and checking that they come back unchanged. Datagrams
// begin with their number, since they may be lost.
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

#include <parley/address.h>
#include <parley/connect.h>
#include <parley/endpoint.h>
#include <parley/event.h>
#include <parley/loop.h>
#include <parley/stream.h>
#include <parley/task.h>
#include <parley/tls.h>
#include <parley/udp.h>
#include <parley/ws/session.h>

#include "cli/histogram.h"
#include "cli/messages.h"

namespace parley::cli {

struct LoadOptions {
  Endpoint endpoint;     // unless there is a `url`
  std::string url = {};  // ws://, wss:// or ws+unix:
  std::size_t connections = 64;
  std::size_t in_flight = 1;  // messages of a connection that are not back yet; of a closed loop
  std::size_t bytes = 64;     // of a message
  Content content = Content::binary;
  bool compress = false;
  bool churn = false;    // a connection for each message: connect, shake hands, send, receive, close
  std::size_t idle = 0;  // connections beside, which do nothing
  tls::Client tls = {};
  std::vector<Address> from = {};  // this end's addresses, in turns
  double rate = 0;                 // messages a second over all connections, whatever comes back; 0: a closed loop
  std::chrono::nanoseconds connect_time = std::chrono::seconds(10);  // for each connection
};

// What has come of it since reset().
struct LoadResult {
  std::uint64_t messages = 0;  // that came back as they were sent
  std::uint64_t wrong = 0;     // that did not
  std::uint64_t lost = 0;      // datagrams that did not come back in time
  Histogram latency;           // from when a message was to be sent until it was back
  Histogram lateness;          // with a rate: from when it was to be sent until it was
};

class Load {
 public:
  Load(Loop& loop, const LoadOptions& options);

  static constexpr std::size_t datagram_bytes_min = sizeof(std::uint64_t);
  static constexpr std::chrono::nanoseconds lost_after = std::chrono::seconds(1);

  // Opens the idle connections, a few at a time. The first error, if one failed.
  Task<Result<void>> connect_idle();
  // Opens all others, likewise; none to churn with, but tries one.
  Task<Result<void>> connect();
  // Sends, until stop().
  void start();
  void stop() noexcept { group_.stop(); }
  Task<> join();

  const LoadResult& result() const noexcept { return result_; }
  // Forgets what has come so far: the end of warming up.
  void reset() noexcept { result_ = {}; }
  std::size_t connected() const noexcept { return flows_.size() + churning_; }
  // Connections that broke while they were used; `first_error` is of the first.
  std::size_t broken() const noexcept { return broken_; }
  Error first_error() const noexcept { return first_error_; }

 private:
  using Time = std::chrono::nanoseconds;

  // One connection.
  struct Flow {
    Stream stream = {};
    ws::Session session = {};
    UdpSocket datagrams = {};
    std::uint64_t sent = 0;     // messages
    std::uint64_t back = 0;     // of them, or lost
    std::deque<Time> due = {};  // of the messages that are not back
    std::size_t credit = 0;     // of a closed loop: how many may be sent now
    Event more = {};
    std::string numbered = {};  // a datagram with its number
    std::size_t matched = 0;    // bytes of the present message, of a stream
    bool is_wrong = false;      // one of them was another
  };
  struct Opening {
    std::deque<Flow>& flows;
    std::size_t left;
    Result<void> result = {};
  };

  Task<Result<void>> open_all(std::deque<Flow>& flows, std::size_t count);
  Task<> open_some(Opening& opening);
  Task<Result<void>> open(Flow& flow);
  ConnectOptions next_source();
  Task<> churn();
  Task<Result<void>> churn_once(Flow& flow);
  Task<Result<void>> receive_one(Flow& flow);
  Task<Result<void>> close(Flow& flow);
  const std::string& message_to(Flow& flow);
  Task<> send_closed(Flow& flow);
  Task<> send_at_rate(Flow& flow, std::size_t number);
  Task<Result<void>> send(Flow& flow);
  Task<> receive(Flow& flow);
  Task<Result<void>> receive_datagram(Flow& flow);
  void take(Flow& flow, Bytes bytes) noexcept;
  void take_datagram(Flow& flow, Bytes bytes) noexcept;
  void came_back(Flow& flow, bool good) noexcept;
  void lose(Flow& flow, std::uint64_t until) noexcept;
  void allow(Flow& flow) noexcept;
  void broke(Error error) noexcept;

  Loop& loop_;
  LoadOptions options_;
  Messages messages_;
  LoadResult result_;
  std::deque<Flow> flows_;
  std::deque<Flow> idle_;
  std::size_t churning_ = 0;
  std::size_t opened_ = 0;  // so far
  std::size_t broken_ = 0;
  Error first_error_;
  TaskGroup group_;
};

}  // namespace parley::cli
