// Simulated listeners and connections, TCP and Unix-domain. A connection is one object that both ends share; what one
// end sends is in it, first under way, then arrived.
#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "io/sim/network.h"

namespace parley::detail {

class SimConnection : public std::enable_shared_from_this<SimConnection> {
 public:
  enum Side : std::uint8_t { client = 0, server = 1 };

  SimConnection(SimNetwork& network, const Address& client_address, const Address& server_address);

  // The client's first packet; tried again while it meets silence or a full backlog.
  void begin(unsigned attempt = 0);
  // A Unix-domain connection is made at once.
  void join() noexcept { ends_[client].state = ends_[server].state = State::open; }

  std::uint8_t ready(Side side) const;
  std::ptrdiff_t send(Side side, std::span<const Bytes> parts);
  std::ptrdiff_t receive(Side side, std::span<std::byte> buffer);
  int shutdown(Side side);
  int take_error(Side side);
  void close(Side side, bool reset);
  bool is_connected(Side side) const { return ends_[side].state == State::open && !ends_[side].broken; }

  // How each end sees itself and its peer.
  Address seen(Side by, Side whom) const;
  Address bound;  // where the listener is

 private:
  enum class State : std::uint8_t { connecting, open, failed, closed };

  // One end, and what travels to it.
  struct End {
    State state = State::connecting;
    bool broken = false;    // reset: nothing goes or comes any more
    bool finished = false;  // the peer's FIN has arrived
    bool shut = false;      // this end has sent its FIN
    int error = 0;          // SO_ERROR
    std::vector<std::byte> bytes;
    std::size_t begin = 0;    // bytes[begin ...] are not received yet
    std::size_t arrived = 0;  // of those, how many are there
    Time last_arrival = 0;

    std::size_t size() const { return bytes.size() - begin; }
  };

  static Side other(Side side) { return side == client ? server : client; }
  // Runs `arrival` when what is sent to `to` now arrives there: after all that was sent before.
  void transmit(Side to, std::move_only_function<void()> arrival);
  void reach_listener(unsigned attempt);
  void fail(int error);
  void arrive(Side to, std::size_t size);
  void finish(Side to);
  void reset(Side to);
  void cut(End& end, std::size_t keep);
  void break_both(Side seen_first);

  SimNetwork& network_;
  std::array<Address, 2> addresses_;
  std::array<End, 2> ends_;
  Duration distance_;
  bool local_;
};

class SimStream final : public SimSocket {
 public:
  SimStream(SimNetwork& network, std::shared_ptr<SimConnection> connection, SimConnection::Side side);

  std::uint8_t ready() const override { return connection_->ready(side_); }
  void close(bool reset) override { connection_->close(side_, reset && local.family() != Family::local); }
  Address peer() const override {  // as getpeername(): not before it is connected, nor after a reset
    return connection_->is_connected(side_) ? connection_->seen(side_, other_) : Address();
  }
  std::string describe() const override;
  std::ptrdiff_t send(std::span<const Bytes> parts) override { return connection_->send(side_, parts); }
  std::ptrdiff_t receive(std::span<std::byte> buffer) override { return connection_->receive(side_, buffer); }
  int shutdown() override { return connection_->shutdown(side_); }
  int take_error() override { return connection_->take_error(side_); }

 private:
  std::shared_ptr<SimConnection> connection_;
  SimConnection::Side side_;
  SimConnection::Side other_;
};

class SimListener final : public SimSocket {
 public:
  SimListener(SimNetwork& network, const Address& bound, ReusePort sharing, int backlog)
      : SimSocket(network, SimKind::listener, bound, sharing), backlog_(static_cast<std::size_t>(backlog)) {}

  std::uint8_t ready() const override { return queue_.empty() ? std::uint8_t{0} : Source::in_bit; }
  void close(bool reset) override;
  Address peer() const override { return {}; }
  std::string describe() const override { return "listener at " + local.to_string(); }
  int accept(Address& peer) override;

  // Linux lets one more than the backlog wait.
  bool full() const { return queue_.size() > backlog_; }
  void push(std::shared_ptr<SimConnection> connection) { queue_.push_back(std::move(connection)); }

 private:
  std::size_t backlog_;
  std::deque<std::shared_ptr<SimConnection>> queue_;
};

Result<int> sim_listen(SimNetwork& network, const Address& address, int backlog, ReusePort reuse_port);
Result<int> sim_connect(SimNetwork& network, const Address& address, const Address& from = {});

}  // namespace parley::detail
