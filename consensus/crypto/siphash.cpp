#include "consensus/crypto/siphash.hpp"

#include <bit>

#include "consensus/base/check.hpp"
#include "consensus/crypto/detail/bits.hpp"
#include "consensus/crypto/detail/siphash_lanes.hpp"

namespace cairn {
namespace {

struct State {
    std::uint64_t a, b, c, d;

    explicit State(SipKey key)
        : a(0x736f6d6570736575 ^ key.k0),
          b(0x646f72616e646f6d ^ key.k1),
          c(0x6c7967656e657261 ^ key.k0),
          d(0x7465646279746573 ^ key.k1) {}
    explicit State(const std::uint64_t (&v)[4]) : a(v[0]), b(v[1]), c(v[2]), d(v[3]) {}
    void store(std::uint64_t (&v)[4]) const { v[0] = a, v[1] = b, v[2] = c, v[3] = d; }

    void round() {
        a += b, b = std::rotl(b, 13) ^ a, a = std::rotl(a, 32);
        c += d, d = std::rotl(d, 16) ^ c;
        a += d, d = std::rotl(d, 21) ^ a;
        c += b, b = std::rotl(b, 17) ^ c, c = std::rotl(c, 32);
    }
    template <int Rounds>
    void take(std::uint64_t word) {
        d ^= word;
        for (int i = 0; i < Rounds; ++i) round();
        a ^= word;
    }
    template <int Rounds>
    std::uint64_t finish(std::uint64_t marker) {
        c ^= marker;
        for (int i = 0; i < Rounds; ++i) round();
        return a ^ b ^ c ^ d;
    }
    void take_words(const Uint256& hash) {
        for (int i = 0; i < 4; ++i) take<2>(detail::load_le64(hash.data() + 8 * i));
    }
    void take_jumbo(const Uint256& hash) {
        const std::uint64_t w0 = detail::load_le64(hash.data()), w1 = detail::load_le64(hash.data() + 8);
        const std::uint64_t w2 = detail::load_le64(hash.data() + 16), w3 = detail::load_le64(hash.data() + 24);
        d ^= w0, a ^= w1, b ^= w2, c ^= w3;
        round();
        a ^= w0, b ^= w1, c ^= w2, d ^= w3;
    }
};

constexpr std::uint64_t kMarker = 0xff;
constexpr std::uint64_t kMarkerUnpadded = 0x6465646461706e75;  // "unpadded"

#if defined(__x86_64__)

using detail::Lanes4;
using detail::Lanes8;

/// As many hashes as `Lanes` has lanes: 32 bytes each, one after the other.
template <class Lanes>
CAIRN_INLINE void hash_lanes(SipKey key, const std::uint8_t* in, std::uint64_t* out) {
    constexpr int kCount = sizeof(Lanes) / 8;
    const Lanes zero{};
    auto state = detail::SipLanes<Lanes>::start(key.k0, key.k1);
    for (int word = 0; word < 4; ++word) {
        Lanes column;
        for (int i = 0; i < kCount; ++i) column[i] = detail::load_le64(in + 32 * i + 8 * word);
        state.take(column);
    }
    state.take(zero + (std::uint64_t{32} << 56));
    state.finish();
    for (int i = 0; i < kCount; ++i) out[i] = state.a[i];
}

__attribute__((target("avx512f"))) std::size_t hash_row_avx512(SipKey key, const std::uint8_t* in, std::uint64_t* out, std::size_t count) {
    std::size_t done = 0;
    for (; done + 8 <= count; done += 8) hash_lanes<Lanes8>(key, in + 32 * done, out + done);
    return done;
}

__attribute__((target("avx2"))) std::size_t hash_row_avx2(SipKey key, const std::uint8_t* in, std::uint64_t* out, std::size_t count) {
    std::size_t done = 0;
    for (; done + 4 <= count; done += 4) hash_lanes<Lanes4>(key, in + 32 * done, out + done);
    return done;
}

using HashRow = std::size_t (*)(SipKey, const std::uint8_t*, std::uint64_t*, std::size_t);

HashRow wide_hash() {
    __builtin_cpu_init();
    if (__builtin_cpu_supports("avx512f")) return hash_row_avx512;
    if (__builtin_cpu_supports("avx2")) return hash_row_avx2;
    return nullptr;
}

#endif

}  // namespace

SipHasher::SipHasher(SipKey key) {
    State(key).store(v_);
}

SipHasher& SipHasher::write(ByteSpan data) {
    State state(v_);
    for (const std::uint8_t byte : data) {
        pending_ |= static_cast<std::uint64_t>(byte) << (8 * (size_ & 7));
        if ((++size_ & 7) == 0) {
            state.take<2>(pending_);
            pending_ = 0;
        }
    }
    state.store(v_);
    return *this;
}

SipHasher& SipHasher::write(std::uint64_t word) {
    std::uint8_t bytes[8];
    detail::store_le64(bytes, word);
    return write(ByteSpan(bytes));
}

std::uint64_t SipHasher::finish() const {
    State state(v_);
    state.take<2>(pending_ | size_ << 56);
    return state.finish<4>(kMarker);
}

std::uint64_t siphash(SipKey key, ByteSpan data) {
    State state(key);
    const std::uint64_t size = data.size();
    for (; data.size() >= 8; data = data.subspan(8)) state.take<2>(detail::load_le64(data.data()));
    std::uint64_t last = size << 56;
    for (std::size_t i = 0; i < data.size(); ++i) last |= static_cast<std::uint64_t>(data[i]) << (8 * i);
    state.take<2>(last);
    return state.finish<4>(kMarker);
}

std::uint64_t siphash(SipKey key, const Uint256& hash) {
    State state(key);
    state.take_words(hash);
    state.take<2>(std::uint64_t{32} << 56);
    return state.finish<4>(kMarker);
}

std::uint64_t siphash(SipKey key, const Uint256& hash, std::uint32_t extra) {
    State state(key);
    state.take_words(hash);
    state.take<2>(std::uint64_t{36} << 56 | extra);
    return state.finish<4>(kMarker);
}

void siphash_many(SipKey key, ByteSpan hashes, std::span<std::uint64_t> out) {
    CAIRN_CHECK(hashes.size() == 32 * out.size());
    std::size_t done = 0;
#if defined(__x86_64__)
    static const HashRow wide = wide_hash();
    if (wide != nullptr) done = wide(key, hashes.data(), out.data(), out.size());
#endif
    for (; done < out.size(); ++done) {
        State state(key);
        for (int i = 0; i < 4; ++i) state.take<2>(detail::load_le64(hashes.data() + 32 * done + 8 * static_cast<std::size_t>(i)));
        state.take<2>(std::uint64_t{32} << 56);
        out[done] = state.finish<4>(kMarker);
    }
}

SipHasher13Jumbo::SipHasher13Jumbo(SipKey key) {
    State(key).store(v_);
}

SipHasher13Jumbo& SipHasher13Jumbo::write(std::uint64_t word) {
    State state(v_);
    state.take<1>(word);
    state.store(v_);
    return *this;
}

SipHasher13Jumbo& SipHasher13Jumbo::write_jumbo(const Uint256& hash) {
    State state(v_);
    state.take_jumbo(hash);
    state.store(v_);
    return *this;
}

std::uint64_t SipHasher13Jumbo::finish() const {
    return State(v_).finish<3>(kMarkerUnpadded);
}

std::uint64_t siphash13_jumbo(SipKey key, const Uint256& hash) {
    State state(key);
    state.take_jumbo(hash);
    return state.finish<3>(kMarkerUnpadded);
}

std::uint64_t siphash13_jumbo(SipKey key, const Uint256& hash, std::uint64_t extra) {
    State state(key);
    state.take_jumbo(hash);
    state.take<1>(extra);
    return state.finish<3>(kMarkerUnpadded);
}

}  // namespace cairn
