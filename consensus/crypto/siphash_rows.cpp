#include "consensus/crypto/siphash_rows.hpp"

#include <algorithm>
#include <cstring>

#include "consensus/crypto/detail/bits.hpp"
#include "consensus/crypto/detail/siphash_lanes.hpp"

namespace cairn {
namespace {

constexpr std::size_t kBlock = SipRows::kBlock;

void hash_portable(SipKey key, const std::uint64_t* words, std::size_t steps, std::size_t blocks, std::uint64_t* out) {
    for (std::size_t block = 0; block < blocks; ++block, words += kBlock * steps) {
        for (std::size_t lane = 0; lane < kBlock; ++lane) {
            auto state = detail::SipLanes<std::uint64_t>::start(key.k0, key.k1);
            for (std::size_t i = 0; i < steps; ++i) state.take(words[kBlock * i + lane]);
            state.finish();
            out[kBlock * block + lane] = state.a;
        }
    }
}

#if defined(__x86_64__)

/// Two vectors at a time: what one waits for, the other has ready.
template <class Lanes>
CAIRN_INLINE void hash_pair(SipKey key, const std::uint64_t* one, const std::uint64_t* two, std::size_t steps, std::uint64_t* out_one,
                            std::uint64_t* out_two) {
    auto a = detail::SipLanes<Lanes>::start(key.k0, key.k1), b = a;
    for (std::size_t i = 0; i < steps; ++i) {
        Lanes word_a, word_b;
        std::memcpy(&word_a, one + kBlock * i, sizeof word_a);
        std::memcpy(&word_b, two + kBlock * i, sizeof word_b);
        a.d ^= word_a, b.d ^= word_b;
        a.round(), b.round();
        a.round(), b.round();
        a.a ^= word_a, b.a ^= word_b;
    }
    const Lanes marker = Lanes{} + 0xff;
    a.c ^= marker, b.c ^= marker;
    for (int i = 0; i < 4; ++i) a.round(), b.round();
    a.a ^= a.b ^ a.c ^ a.d, b.a ^= b.b ^ b.c ^ b.d;
    std::memcpy(out_one, &a.a, sizeof a.a);
    std::memcpy(out_two, &b.a, sizeof b.a);
}

__attribute__((target("avx512f"))) void hash_avx512(SipKey key, const std::uint64_t* words, std::size_t steps, std::size_t blocks, std::uint64_t* out) {
    const std::size_t stride = kBlock * steps;
    for (; blocks >= 2; blocks -= 2, words += 2 * stride, out += 2 * kBlock)
        hash_pair<detail::Lanes8>(key, words, words + stride, steps, out, out + kBlock);
    if (blocks != 0) hash_pair<detail::Lanes8>(key, words, words, steps, out, out);
}

__attribute__((target("avx2"))) void hash_avx2(SipKey key, const std::uint64_t* words, std::size_t steps, std::size_t blocks, std::uint64_t* out) {
    for (; blocks != 0; --blocks, words += kBlock * steps, out += kBlock)
        hash_pair<detail::Lanes4>(key, words, words + kBlock / 2, steps, out, out + kBlock / 2);
}

#endif

}  // namespace

void SipRows::add(ByteSpan message) {
    const std::size_t steps = message.size() / 8 + 1;
    auto group = std::ranges::find(groups_, steps, &Group::steps);
    if (group == groups_.end()) {
        groups_.emplace_back().steps = steps;
        group = groups_.end() - 1;
    }
    const std::size_t lane = group->count % kBlock;
    if (lane == 0) group->words.resize(group->words.size() + kBlock * steps);
    std::uint64_t* words = group->words.data() + group->count / kBlock * kBlock * steps + lane;
    for (std::size_t i = 0; i + 1 < steps; ++i) words[kBlock * i] = detail::load_le64(message.data() + 8 * i);
    std::uint64_t last = std::uint64_t{message.size()} << 56;
    for (std::size_t i = 8 * (steps - 1); i < message.size(); ++i) last |= std::uint64_t{message[i]} << (8 * (i % 8));
    words[kBlock * (steps - 1)] = last;
    ++group->count;
    ++size_;
}

bool SipRows::supports(Backend backend) {
#if defined(__x86_64__)
    __builtin_cpu_init();
    if (backend == Backend::avx512) return __builtin_cpu_supports("avx512f");
    if (backend == Backend::avx2) return __builtin_cpu_supports("avx2");
#endif
    return backend == Backend::portable;
}

SipRows::Backend SipRows::backend() {
    static const Backend best = supports(Backend::avx512) ? Backend::avx512 : supports(Backend::avx2) ? Backend::avx2 : Backend::portable;
    return best;
}

void SipRows::hash_blocks(SipKey key, Backend with, const std::uint64_t* words, std::size_t steps, std::size_t blocks, std::uint64_t* out) {
#if defined(__x86_64__)
    if (with == Backend::avx512) return hash_avx512(key, words, steps, blocks, out);
    if (with == Backend::avx2) return hash_avx2(key, words, steps, blocks, out);
#endif
    (void)with;
    hash_portable(key, words, steps, blocks, out);
}

}  // namespace cairn
