#include "storage/scratch_memory.hpp"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <string>

namespace cairn::storage {
namespace {

/// A file that vanishes with its descriptor; -1: none can be made.
int open_nameless(const std::filesystem::path& folder) {
    int file = ::open(folder.c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    if (file >= 0) return file;
    std::string name = (folder / "scratch.XXXXXX").string();
    file = ::mkostemp(name.data(), O_CLOEXEC);
    if (file >= 0) ::unlink(name.c_str());
    return file;
}

}  // namespace

ScratchMemory::ScratchMemory(const std::filesystem::path& folder) {
    if (!folder.empty()) file_ = open_nameless(folder);
}

ScratchMemory::~ScratchMemory() {
    for (const Piece& piece : pieces_) ::munmap(piece.begin, piece.size);
    if (file_ >= 0) ::close(file_);
}

bool ScratchMemory::grow(std::size_t bytes) {
    if (file_ < 0) return false;
    const std::size_t size = (bytes + kGrowth - 1) / kGrowth * kGrowth;
    // Set aside now: a page of a hole for which no room is left would be a signal later.
    if (::posix_fallocate(file_, static_cast<off_t>(file_size_), static_cast<off_t>(size)) != 0) return false;
    void* mapped = ::mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_SHARED, file_, static_cast<off_t>(file_size_));
    if (mapped == MAP_FAILED) return false;
    ::madvise(mapped, size, MADV_DONTDUMP);
    file_size_ += size;
    pieces_.push_back({static_cast<std::byte*>(mapped), size});
    used_ = 0;
    return true;
}

void* ScratchMemory::do_allocate(std::size_t bytes, std::size_t alignment) {
    const std::lock_guard lock(mutex_);
    const auto aligned = [&] { return (used_ + alignment - 1) / alignment * alignment; };
    if (pieces_.empty() || aligned() + bytes > pieces_.back().size)
        if (!grow(bytes)) return ordinary_.allocate(bytes, alignment);
    used_ = aligned() + bytes;
    return pieces_.back().begin + used_ - bytes;
}

void ScratchMemory::rest() {
    const std::lock_guard lock(mutex_);
    for (const Piece& piece : pieces_) ::madvise(piece.begin, piece.size, MADV_DONTNEED);
}

std::size_t ScratchMemory::mapped_bytes() const {
    const std::lock_guard lock(mutex_);
    return file_size_;
}

}  // namespace cairn::storage
