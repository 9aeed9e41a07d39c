// All of Parley.
#pragma once

#include <parley/address.h>
#include <parley/bytes.h>
#include <parley/connect.h>
#include <parley/endpoint.h>
#include <parley/error.h>
#include <parley/event.h>
#include <parley/listener.h>
#include <parley/loop.h>
#include <parley/resolve.h>
#include <parley/reuse_port.h>
#include <parley/signals.h>
#include <parley/simulation.h>
#include <parley/socket.h>
#include <parley/stream.h>
#include <parley/task.h>
#include <parley/text.h>
#include <parley/threads.h>
#include <parley/tls.h>
#include <parley/udp.h>
