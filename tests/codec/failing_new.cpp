#include "codec/failing_new.h"

#include <new>

namespace {

int news_left = -1;  // until it fails; negative: it doesn't

}  // namespace

void* operator new(std::size_t bytes, const std::nothrow_t&) noexcept {
  if (news_left == 0) return nullptr;
  if (news_left > 0) --news_left;
  try {
    return ::operator new(bytes);
  } catch (const std::bad_alloc&) {
    return nullptr;
  }
}

void* operator new[](std::size_t bytes, const std::nothrow_t& nothrow) noexcept {
  return ::operator new(bytes, nothrow);
}

void* operator new(std::size_t bytes, std::align_val_t alignment, const std::nothrow_t&) noexcept {
  if (news_left == 0) return nullptr;
  if (news_left > 0) --news_left;
  try {
    return ::operator new(bytes, alignment);
  } catch (const std::bad_alloc&) {
    return nullptr;
  }
}

namespace parley {

FailingNew::FailingNew(int granted) noexcept { news_left = granted; }
FailingNew::~FailingNew() { news_left = -1; }

}  // namespace parley
