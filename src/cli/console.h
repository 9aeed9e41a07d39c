// The page that a browser gets from a server: a console to talk to it. Its parts lie in console/ and are put together
// when the program is built (cmake/console.cmake).
#pragma once

#include <string_view>

namespace parley::cli {

// One HTML document that asks nobody for anything else.
std::string_view console_page() noexcept;

}  // namespace parley::cli
