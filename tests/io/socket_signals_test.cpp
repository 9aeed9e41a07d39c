// Calls of a Socket that a signal interrupts.
#include <gtest/gtest.h>
#include <parley/socket.h>
#include <semaphore.h>
#include <signal.h>
#include <sys/time.h>

#include <chrono>
#include <functional>
#include <string>
#include <thread>

#include "io/socket_fixture.h"

namespace parley {
namespace {

using namespace std::chrono_literals;
using SocketSignals = SocketTest;

sem_t arrived;  // one post a signal

void set_alarms_every(int microseconds) {
  const timeval every{.tv_sec = 0, .tv_usec = microseconds};
  const itimerval timer{.it_interval = every, .it_value = every};
  setitimer(ITIMER_REAL, &timer, nullptr);
}

// Runs `call` under a signal every few milliseconds, and `release`, in a thread that takes no signal, once some have
// arrived: so `call`, which can't be done before, was interrupted.
void interrupted(const std::function<void()>& call, const std::function<void()>& release) {
  sem_init(&arrived, 0, 0);
  struct sigaction action{};
  struct sigaction action_before{};
  action.sa_handler = [](int) { sem_post(&arrived); };  // without SA_RESTART: calls give EINTR
  sigaction(SIGALRM, &action, &action_before);

  sigset_t alarm;
  sigset_t mask_before;
  sigemptyset(&alarm);
  sigaddset(&alarm, SIGALRM);
  pthread_sigmask(SIG_BLOCK, &alarm, &mask_before);
  std::thread other([&release] {
    for (int i = 0; i < 3; ++i) sem_wait(&arrived);
    release();
  });
  pthread_sigmask(SIG_SETMASK, &mask_before, nullptr);

  set_alarms_every(5'000);
  call();
  other.join();
  set_alarms_every(0);
  sigaction(SIGALRM, &action_before, nullptr);
  sem_destroy(&arrived);
}

TEST_F(SocketSignals, do_not_interrupt_receive) {
  auto [client, server] = connected(tcp4);
  interrupted([&] { EXPECT_EQ(told(server.receive(buffer_)), "late"); }, [&] { EXPECT_TRUE(client.send_all("late")); });
}

TEST_F(SocketSignals, do_not_interrupt_accept) {
  Socket server = listening(tcp4);
  Socket client = open(tcp4);
  interrupted([&] { EXPECT_EQ(told(server.accept()), "done"); },
              [&] { EXPECT_TRUE(client.connect(*server.local_address())); });
}

TEST_F(SocketSignals, do_not_interrupt_send_all) {
  auto [client, server] = connected(tcp4);
  const std::string much(16 << 20, 'x');
  std::size_t received = 0;
  interrupted(
      [&] {
        EXPECT_TRUE(client.send_all(much));
        EXPECT_TRUE(client.shutdown(Direction::send));
      },
      [&] {
        while (const auto bytes = server.receive(buffer_)) received += bytes->size();
      });
  EXPECT_EQ(received, much.size());
}

TEST_F(SocketSignals, let_a_tcp_connect_wait_for_its_outcome) {
  Socket server = listening(tcp4, 0);
  Socket first = open(tcp4);
  ASSERT_TRUE(first.connect(*server.local_address()));  // it fills the queue, so that the next one must wait
  Socket second = open(tcp4);
  interrupted([&] { EXPECT_EQ(told(second.connect(*server.local_address())), "done"); },
              [&] { EXPECT_TRUE(server.accept()); });
  EXPECT_TRUE(second.peer_address());
}

TEST_F(SocketSignals, let_a_tcp_connect_keep_its_limit) {
  Socket server = listening(tcp4, 0);
  Socket first = open(tcp4);
  ASSERT_TRUE(first.connect(*server.local_address()));
  Socket second = open(tcp4);
  ASSERT_TRUE(second.set_send_timeout(30ms));
  // The limit starts anew with each signal, and the poll() that follows an interrupted connect() is a call too.
  interrupted([&] { EXPECT_EQ(told(second.connect(*server.local_address())), "error: timed_out"); },
              [] { set_alarms_every(0); });
}

TEST_F(SocketSignals, let_a_local_connect_be_made_again) {
  Socket server = listening(local_stream, 0);
  Socket first = open(local_stream);
  ASSERT_TRUE(first.connect(*server.local_address()));
  Socket second = open(local_stream);
  interrupted([&] { EXPECT_EQ(told(second.connect(*server.local_address())), "done"); },
              [&] { EXPECT_TRUE(server.accept()); });
  EXPECT_TRUE(second.peer_address());
}

}  // namespace
}  // namespace parley
