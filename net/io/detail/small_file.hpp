#pragma once

#include <filesystem>
#include <fstream>
#include <iterator>
#include <optional>

#include "consensus/base/bytes.hpp"

namespace cairn::net::detail {

/// The content of a file of at most `max` bytes, longer ones cut off; nullopt when it cannot be read.
inline std::optional<Bytes> read_small_file(const std::filesystem::path& path, std::size_t max) {
    std::ifstream in(path, std::ios::binary);
    if (!in) return std::nullopt;
    Bytes bytes(max);
    in.read(reinterpret_cast<char*>(bytes.data()), static_cast<std::streamsize>(max));
    if (in.bad()) return std::nullopt;
    bytes.resize(static_cast<std::size_t>(in.gcount()));
    return bytes;
}

}  // namespace cairn::net::detail
