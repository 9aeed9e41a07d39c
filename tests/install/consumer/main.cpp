// A program of somebody else's: built against an installed Parley, it uses a plain Socket and a Loop with a coroutine.
#include <parley/parley.h>

#include <cstdio>

parley::Task<int> answer() { co_return 42; }

parley::Result<bool> greet() {
  auto server = parley::Socket::open(parley::Kind::tcp);
  auto client = parley::Socket::open(parley::Kind::tcp);
  if (!server || !client) return false;
  if (auto bound = server->bind(parley::Address::loopback(parley::Family::ipv4, 0)); !bound) return false;
  if (auto listening = server->listen(); !listening) return false;
  auto address = server->local_address();
  if (!address || !client->connect(*address)) return false;
  auto accepted = server->accept();
  if (!accepted || !client->send_all("hello")) return false;
  std::byte buffer[16];
  auto bytes = accepted->socket.receive(buffer);
  return bytes && bytes->size() == 5;
}

int main() {
  parley::Loop loop;
  auto result = loop.run(answer());
  auto greeted = greet();
  bool works = result && *result == 42 && greeted && *greeted;
  std::puts(works ? "works" : "does not work");
  return works ? 0 : 1;
}
