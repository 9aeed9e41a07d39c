#include "codec/failing_new.h"

#include <new>

namespace {

int news_left = -1;  // until it fails; negative: it doesn't

template <class Allocate>
void* granted(Allocate allocate) noexcept {
  if (news_left == 0) return nullptr;
  if (news_left > 0) --news_left;
  try {
    return allocate();
  } catch (const std::bad_alloc&) {
    return nullptr;
  }
}

}  // namespace

void* operator new(std::size_t bytes, const std::nothrow_t&) noexcept {
  return granted([&] { return ::operator new(bytes); });
}

void* operator new[](std::size_t bytes, const std::nothrow_t&) noexcept {
  return granted([&] { return ::operator new[](bytes); });
}

void* operator new(std::size_t bytes, std::align_val_t alignment, const std::nothrow_t&) noexcept {
  return granted([&] { return ::operator new(bytes, alignment); });
}

namespace parley {

FailingNew::FailingNew(int granted) noexcept { news_left = granted; }
FailingNew::~FailingNew() { news_left = -1; }

}  // namespace parley
