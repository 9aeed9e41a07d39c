// Memory runs out: what asks for it with std::nothrow gets none.
#pragma once

namespace parley {

// While it exists, the nothrow operator new of this program fails, after so many that it grants.
class FailingNew {
 public:
  explicit FailingNew(int granted) noexcept;
  ~FailingNew();
  FailingNew(const FailingNew&) = delete;
  FailingNew& operator=(const FailingNew&) = delete;
};

}  // namespace parley
