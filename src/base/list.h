// An intrusive list: the links lie in the members, so adding and removing cost no allocation and cannot fail.
#pragma once

namespace parley {

// A class derives from Listed<itself> to be a member of at most one List<itself> at a time.
template <class T>
class Listed {
 public:
  bool is_listed() const noexcept { return place_ != nullptr; }
  T* next() const noexcept { return next_; }

  void unlist() noexcept {
    if (!place_) return;
    *place_ = next_;
    if (next_) static_cast<Listed*>(next_)->place_ = place_;
    next_ = nullptr;
    place_ = nullptr;
  }

 private:
  template <class>
  friend class List;

  T* next_ = nullptr;
  T** place_ = nullptr;  // the pointer that points here
};

template <class T>
class List {
 public:
  List() noexcept = default;
  List(const List&) = delete;
  List& operator=(const List&) = delete;

  bool empty() const noexcept { return first_ == nullptr; }
  T* first() const noexcept { return first_; }

  void push_front(T& member) noexcept {
    Listed<T>& links = member;
    links.next_ = first_;
    links.place_ = &first_;
    if (first_) static_cast<Listed<T>*>(first_)->place_ = &links.next_;
    first_ = &member;
  }

 private:
  T* first_ = nullptr;
};

// First in, first out, for members of lists: what is added waits in reverse, and is turned round when its turn comes.
template <class T>
class Queue {
 public:
  bool empty() const noexcept { return front_.empty() && back_.empty(); }

  void push_back(T& member) noexcept { back_.push_front(member); }

  T* first() noexcept {
    if (front_.empty()) {
      while (T* member = back_.first()) {
        member->unlist();
        front_.push_front(*member);
      }
    }
    return front_.first();
  }

 private:
  List<T> front_;
  List<T> back_;
};

}  // namespace parley
