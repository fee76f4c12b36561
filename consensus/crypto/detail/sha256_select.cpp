#include <vector>

#include "consensus/base/check.hpp"
#include "consensus/crypto/detail/bits.hpp"
#include "consensus/crypto/detail/sha256_backend.hpp"

namespace cairn::detail {
namespace {

void write_state(std::uint8_t* out, const Sha256State& state) {
    for (std::size_t i = 0; i < state.size(); ++i) store_be32(out + 4 * i, state[i]);
}

/// SHA-256d of 64 bytes: the input, its padding block, and the 32-byte hash with its padding.
void double64_of(Sha256Compress compress, std::uint8_t* out, const std::uint8_t* in) {
    static constexpr std::uint8_t kPadding[64] = {0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
                                                  0,    0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
                                                  0,    0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2, 0};
    Sha256State state = kSha256Init;
    compress(state.data(), in, 1);
    compress(state.data(), kPadding, 1);
    std::uint8_t second[64] = {};
    write_state(second, state);
    second[32] = 0x80;
    second[62] = 0x01;
    state = kSha256Init;
    compress(state.data(), second, 1);
    write_state(out, state);
}

/// True when a backend gives the same answers as the portable one on a few blocks of every byte value.
bool agrees(const Sha256Backend& backend) {
    std::array<std::uint8_t, 64 * 19> data;
    std::uint32_t x = 1;
    for (auto& byte : data) {
        x = x * 1664525 + 1013904223;
        byte = static_cast<std::uint8_t>(x >> 24);
    }
    for (std::size_t blocks = 0; blocks <= 19; ++blocks) {
        Sha256State ours = kSha256Init, theirs = kSha256Init;
        sha256_compress_portable(ours.data(), data.data(), blocks);
        backend.compress(theirs.data(), data.data(), blocks);
        if (ours != theirs) return false;
    }
    Sha256Backend portable;
    portable.compress = sha256_compress_portable;
    std::array<std::uint8_t, 32 * 19> ours, theirs;
    sha256d_64_many(portable, ours.data(), data.data(), 19);
    sha256d_64_many(backend, theirs.data(), data.data(), 19);
    return ours == theirs;
}

std::vector<Sha256Backend> find_backends() {
    std::vector<Sha256Backend> found;
    const auto add = [&](const Sha256Backend& backend) {
        const bool same = agrees(backend);
        CAIRN_CHECK(same || !found.empty());
        if (same) found.push_back(backend);
    };
    add({"standard", sha256_compress_portable, nullptr, 0});
#if defined(__x86_64__)
    __builtin_cpu_init();
    const bool avx2 = __builtin_cpu_supports("avx2");
    if (avx2) add({"standard;avx2(8way)", sha256_compress_portable, sha256d_64_avx2_8way, 8});
    if (cpu_has_shani()) add({"x86_shani(1way;2way)", sha256_compress_shani, sha256d_64_shani_2way, 2});
#endif
    return found;
}

}  // namespace

std::span<const Sha256Backend> sha256_backends() {
    static const std::vector<Sha256Backend> backends = find_backends();
    return backends;
}

const Sha256Backend& sha256_backend() {
    static const Sha256Backend backend = sha256_backends().back();
    return backend;
}

void sha256d_64_many(const Sha256Backend& backend, std::uint8_t* out, const std::uint8_t* in, std::size_t count) {
    if (backend.lanes != 0) {
        for (; count >= backend.lanes; count -= backend.lanes) {
            backend.double64_wide(out, in);
            out += 32 * backend.lanes;
            in += 64 * backend.lanes;
        }
    }
    for (; count != 0; --count, out += 32, in += 64) double64_of(backend.compress, out, in);
}

}  // namespace cairn::detail
