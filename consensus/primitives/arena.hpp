#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <type_traits>
#include <vector>

namespace cairn {

/// Memory that is given out in rows and freed all at once; rows never move.
/// Thread: one at a time.
class Arena {
public:
    /// `chunk_bytes`: size of the first chunk, a guess at what will be needed.
    explicit Arena(std::size_t chunk_bytes = 4096) : chunk_bytes_(chunk_bytes) {}

    /// `count` value-initialised elements.
    template <class T>
    std::span<T> make_row(std::size_t count) {
        static_assert(std::is_trivially_destructible_v<T> && alignof(T) <= alignof(std::max_align_t));
        if (count == 0) return {};
        T* row = static_cast<T*>(take(count * sizeof(T)));
        std::uninitialized_value_construct_n(row, count);
        return {row, count};
    }

    /// Bytes reserved so far.
    std::size_t capacity() const { return capacity_; }

private:
    void* take(std::size_t bytes) {
        constexpr std::size_t unit = alignof(std::max_align_t);
        bytes = (bytes + unit - 1) / unit * unit;
        if (bytes > left_) grow(bytes);
        void* row = next_;
        next_ += bytes;
        left_ -= bytes;
        return row;
    }
    void grow(std::size_t bytes) {
        const std::size_t size = bytes > chunk_bytes_ ? bytes : chunk_bytes_;
        chunks_.push_back(std::make_unique_for_overwrite<std::byte[]>(size));
        capacity_ += size;
        next_ = chunks_.back().get();
        left_ = size;
    }

    std::size_t chunk_bytes_;
    std::size_t capacity_ = 0;
    std::byte* next_ = nullptr;
    std::size_t left_ = 0;
    std::vector<std::unique_ptr<std::byte[]>> chunks_;
};

}  // namespace cairn
