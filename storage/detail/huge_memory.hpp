#pragma once

#include <cstddef>
#include <cstdint>
#include <utility>

namespace cairn::storage::detail {

/// Zeroed memory straight from the operating system, in large pages where it has them, and straight back to it.
/// Aborts when there is none. Thread: one at a time.
class HugeMemory {
public:
    HugeMemory() = default;
    explicit HugeMemory(std::size_t bytes);
    HugeMemory(HugeMemory&& other) noexcept
        : data_(std::exchange(other.data_, nullptr)), size_(std::exchange(other.size_, 0)) {}
    HugeMemory& operator=(HugeMemory&& other) noexcept {
        std::swap(data_, other.data_);
        std::swap(size_, other.size_);
        return *this;
    }
    ~HugeMemory();

    std::uint8_t* data() const { return data_; }
    std::size_t size() const { return size_; }

private:
    std::uint8_t* data_ = nullptr;
    std::size_t size_ = 0;
};

}  // namespace cairn::storage::detail
