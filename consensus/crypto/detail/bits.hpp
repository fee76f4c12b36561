#pragma once

#include <bit>
#include <cstdint>
#include <cstring>

/// Numbers in and out of byte memory, whatever its alignment.
namespace cairn::detail {

static_assert(std::endian::native == std::endian::little);

inline std::uint32_t load_le32(const std::uint8_t* p) {
    std::uint32_t v;
    std::memcpy(&v, p, sizeof v);
    return v;
}
inline std::uint64_t load_le64(const std::uint8_t* p) {
    std::uint64_t v;
    std::memcpy(&v, p, sizeof v);
    return v;
}
inline std::uint32_t load_be32(const std::uint8_t* p) {
    return __builtin_bswap32(load_le32(p));
}
inline std::uint64_t load_be64(const std::uint8_t* p) {
    return __builtin_bswap64(load_le64(p));
}

inline void store_le32(std::uint8_t* p, std::uint32_t v) {
    std::memcpy(p, &v, sizeof v);
}
inline void store_le64(std::uint8_t* p, std::uint64_t v) {
    std::memcpy(p, &v, sizeof v);
}
inline void store_be32(std::uint8_t* p, std::uint32_t v) {
    store_le32(p, __builtin_bswap32(v));
}
inline void store_be64(std::uint8_t* p, std::uint64_t v) {
    store_le64(p, __builtin_bswap64(v));
}

}  // namespace cairn::detail
