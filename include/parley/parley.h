// All of Parley.
#pragma once

#include <parley/address.h>
#include <parley/bytes.h>
#include <parley/endpoint.h>
#include <parley/error.h>
#include <parley/listener.h>
#include <parley/loop.h>
#include <parley/signals.h>
#include <parley/socket.h>
#include <parley/stream.h>
#include <parley/task.h>
#include <parley/text.h>
