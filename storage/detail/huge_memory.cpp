#include "storage/detail/huge_memory.hpp"

#include <sys/mman.h>

#include "consensus/base/check.hpp"

namespace cairn::storage::detail {

namespace {

constexpr std::size_t kPage = 4096;
constexpr std::size_t kLargePage = 2u << 20;

}  // namespace

HugeMemory::HugeMemory(std::size_t bytes) {
    size_ = (bytes + kPage - 1) / kPage * kPage;
    const bool large = size_ >= kLargePage;
    // Room to cut the ends off, so that it begins where a large page may.
    const std::size_t asked = large ? size_ + kLargePage : size_;
    void* memory = ::mmap(nullptr, asked, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    CAIRN_CHECK(memory != MAP_FAILED);
    data_ = static_cast<std::uint8_t*>(memory);
    if (!large) return;
    const std::size_t before = (kLargePage - reinterpret_cast<std::uintptr_t>(data_) % kLargePage) % kLargePage;
    if (before != 0) ::munmap(data_, before);
    data_ += before;
    if (before != kLargePage) ::munmap(data_ + size_, kLargePage - before);
    ::madvise(data_, size_, MADV_HUGEPAGE);
}

HugeMemory::~HugeMemory() {
    if (data_) ::munmap(data_, size_);
}

}  // namespace cairn::storage::detail
