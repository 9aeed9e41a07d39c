#include <parley/ws/request.h>

#include "codec/http1.h"

namespace parley::ws {

struct Request::Parsed {
  // Read at the first question: most servers have none.
  const codec::Request& request() noexcept {
    if (!is_read) {
      codec::RequestReader reader({head.size(), head.size()});
      (void)reader.next(as_bytes(head), views);
      is_read = true;
    }
    return views;
  }

  std::string head;
  codec::Request views;
  bool is_read = false;
};

Request::Request(std::string head) : parsed_(std::make_unique<Parsed>()) { parsed_->head = std::move(head); }

Request::Request(Request&&) noexcept = default;
Request& Request::operator=(Request&&) noexcept = default;
Request::~Request() = default;

std::string_view Request::method() const noexcept { return parsed_->request().method; }
std::string_view Request::target() const noexcept { return parsed_->request().target; }
std::string_view Request::path() const noexcept { return parsed_->request().path; }
std::string_view Request::query() const noexcept { return parsed_->request().query; }
std::string_view Request::host() const noexcept { return parsed_->request().authority; }

std::optional<std::string_view> Request::header(std::string_view name) const noexcept {
  const auto found = parsed_->request().headers.find(name);
  if (found.lines == 0) return std::nullopt;
  return found.value;
}

}  // namespace parley::ws
