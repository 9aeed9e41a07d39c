// WebSocket, all of it: sessions, servers, clients.
#pragma once

#include <parley/ws/client.h>
#include <parley/ws/reconnect.h>
#include <parley/ws/server.h>
#include <parley/ws/session.h>
