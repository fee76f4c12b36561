#pragma once

#include <filesystem>
#include <memory_resource>
#include <mutex>
#include <vector>

namespace cairn::storage {

/// Memory for much that is seldom looked at: it lies in a file without a name, mapped where it stays, so that the system can
/// take its pages away and bring them back, and rest() makes it do so at once. Nothing of it outlives the object.
///
/// Only grows: deallocate() does nothing. When the file cannot grow (a full disk, no such folder) ordinary memory serves instead, as
/// the space is set aside before it is used. A disk that fails to give back what was written ends the process (SIGBUS).
/// Thread: any.
class ScratchMemory final : public std::pmr::memory_resource {
public:
    static constexpr std::size_t kGrowth = 4u << 20;  ///< bytes by which the file grows at a time

    /// `folder`: where the file lies; empty: ordinary memory always.
    explicit ScratchMemory(const std::filesystem::path& folder);
    ~ScratchMemory() override;
    ScratchMemory(const ScratchMemory&) = delete;

    /// Takes nothing out of use, but leaves no page resident for this process. Cost: about a millisecond for 100 MB.
    void rest();
    /// In the file, whether resident or not.
    std::size_t mapped_bytes() const;

private:
    struct Piece {
        std::byte* begin;
        std::size_t size;
    };
    void* do_allocate(std::size_t bytes, std::size_t alignment) override;
    void do_deallocate(void*, std::size_t, std::size_t) override {}
    bool do_is_equal(const memory_resource& other) const noexcept override { return this == &other; }
    bool grow(std::size_t bytes);

    mutable std::mutex mutex_;
    int file_ = -1;
    std::size_t file_size_ = 0;
    std::vector<Piece> pieces_;
    std::size_t used_ = 0;  ///< of the last piece
    std::pmr::monotonic_buffer_resource ordinary_{kGrowth, std::pmr::new_delete_resource()};
};

}  // namespace cairn::storage
