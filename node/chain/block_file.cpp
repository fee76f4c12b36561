#include "node/chain/block_file.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <utility>

namespace cairn::node {

namespace {

constexpr std::uint32_t kMaxBlockSize = 4'000'000;  // bytes a block may have with its witnesses (BIP141)
constexpr std::size_t kSearchBuffer = 64 << 10;

}  // namespace

std::optional<BlockFile> BlockFile::open(const std::filesystem::path& path, std::array<std::uint8_t, 4> magic) {
    const int descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
    if (descriptor < 0) return std::nullopt;
    struct stat facts {};
    if (::fstat(descriptor, &facts) != 0 || !S_ISREG(facts.st_mode)) {
        ::close(descriptor);
        return std::nullopt;
    }
    return BlockFile(descriptor, static_cast<std::uint64_t>(facts.st_size), magic);
}

BlockFile::BlockFile(BlockFile&& other) noexcept
    : descriptor_(std::exchange(other.descriptor_, -1)), size_(other.size_), magic_(other.magic_) {}

BlockFile::~BlockFile() {
    if (descriptor_ >= 0) ::close(descriptor_);
}

bool BlockFile::read_at(std::uint64_t offset, std::uint8_t* out, std::size_t count) const {
    while (count > 0) {
        const ssize_t got = ::pread(descriptor_, out, count, static_cast<off_t>(offset));
        if (got <= 0) return false;
        offset += static_cast<std::uint64_t>(got);
        out += got;
        count -= static_cast<std::size_t>(got);
    }
    return true;
}

std::optional<BlockHeader> BlockFile::read_header(std::uint64_t offset) const {
    std::array<std::uint8_t, BlockHeader::kSize> bytes;
    if (!read_at(offset, bytes.data(), bytes.size())) return std::nullopt;
    Reader reader(bytes);
    return BlockHeader::read(reader);
}

std::optional<Bytes> BlockFile::read(std::uint64_t offset, std::uint32_t size) const {
    Bytes bytes(size);
    if (!read_at(offset, bytes.data(), size)) return std::nullopt;
    return bytes;
}

bool BlockFile::scan(const std::function<Next(const BlockHeader&, std::uint64_t, std::uint32_t)>& visit) {
    constexpr std::size_t kPrefix = 8;  // magic and size
    Bytes buffer(kSearchBuffer);
    std::uint64_t at = 0;
    while (at + kPrefix + BlockHeader::kSize <= size_) {
        std::array<std::uint8_t, kPrefix + BlockHeader::kSize> start;
        if (!read_at(at, start.data(), start.size())) return false;
        if (std::equal(magic_.begin(), magic_.end(), start.begin())) {
            Reader reader(ByteSpan(start).subspan(magic_.size()));
            const std::uint32_t size = reader.u32();
            const std::uint64_t offset = at + kPrefix;
            if (size >= BlockHeader::kSize && size <= kMaxBlockSize && offset + size <= size_) {
                const Next next = visit(BlockHeader::read(reader), offset, size);
                if (next == Next::stop) return true;
                if (next == Next::skip) {
                    at = offset + size;
                    continue;
                }
            }
        }
        // Not a block: on to the next place that looks like the magic.
        ++at;
        for (;;) {
            const std::size_t count = static_cast<std::size_t>(std::min<std::uint64_t>(buffer.size(), size_ - at));
            if (count < magic_.size()) return true;
            if (!read_at(at, buffer.data(), count)) return false;
            const auto end = buffer.begin() + static_cast<std::ptrdiff_t>(count);
            const auto hit = std::search(buffer.begin(), end, magic_.begin(), magic_.end());
            if (hit != end) {
                at += static_cast<std::uint64_t>(hit - buffer.begin());
                break;
            }
            at += count - (magic_.size() - 1);
            if (at + magic_.size() >= size_) return true;
        }
    }
    return true;
}

}  // namespace cairn::node
