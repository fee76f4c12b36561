#pragma once

#include <array>
#include <filesystem>
#include <functional>
#include <optional>

#include "consensus/primitives/header.hpp"

namespace cairn::node {

/// A file of blocks one after another, each behind the network's magic and its size: bootstrap.dat, blk*.dat, what -loadblock takes.
/// Owner: one thread. Never holds more than a small buffer.
class BlockFile {
public:
    static std::optional<BlockFile> open(const std::filesystem::path& path, std::array<std::uint8_t, 4> magic);
    BlockFile(BlockFile&& other) noexcept;
    BlockFile& operator=(BlockFile&&) = delete;
    ~BlockFile();

    enum class Next {
        skip,    ///< go on behind this block
        search,  ///< it is none: look for the next magic within it
        stop,
    };
    /// Finds block after block; `offset` is that of the block itself. Garbage between blocks is passed over, as is a block that
    /// is longer than the file. False when reading failed.
    bool scan(const std::function<Next(const BlockHeader& header, std::uint64_t offset, std::uint32_t size)>& visit);
    std::optional<BlockHeader> read_header(std::uint64_t offset) const;
    std::optional<Bytes> read(std::uint64_t offset, std::uint32_t size) const;

private:
    BlockFile(int descriptor, std::uint64_t size, std::array<std::uint8_t, 4> magic) : descriptor_(descriptor), size_(size), magic_(magic) {}
    bool read_at(std::uint64_t offset, std::uint8_t* out, std::size_t count) const;

    int descriptor_;
    std::uint64_t size_;
    std::array<std::uint8_t, 4> magic_;
};

}  // namespace cairn::node
