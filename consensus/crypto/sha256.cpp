#include "consensus/crypto/sha256.hpp"

#include "consensus/crypto/detail/bits.hpp"
#include "consensus/crypto/detail/sha256_backend.hpp"
#include "consensus/crypto/hash.hpp"

namespace cairn {

Sha256::Sha256() : state_(detail::kSha256Init) {}

void Sha256::reset() {
    state_ = detail::kSha256Init;
    size_ = 0;
}

Sha256& Sha256::write(ByteSpan data) {
    if (data.empty()) return *this;
    const auto compress = detail::sha256_backend().compress;
    const std::size_t held = size_ % kBlockSize;
    size_ += data.size();
    if (held != 0) {
        const std::size_t take = std::min(kBlockSize - held, data.size());
        std::memcpy(buffer_.data() + held, data.data(), take);
        data = data.subspan(take);
        if (held + take < kBlockSize) return *this;
        compress(state_.data(), buffer_.data(), 1);
    }
    if (const std::size_t blocks = data.size() / kBlockSize; blocks != 0) {
        compress(state_.data(), data.data(), blocks);
        data = data.subspan(blocks * kBlockSize);
    }
    if (!data.empty()) std::memcpy(buffer_.data(), data.data(), data.size());
    return *this;
}

Uint256 Sha256::finish() {
    const std::size_t held = size_ % kBlockSize;
    std::uint8_t tail[2 * kBlockSize] = {};
    std::memcpy(tail, buffer_.data(), held);
    tail[held] = 0x80;
    const std::size_t blocks = held < kBlockSize - 8 ? 1 : 2;
    detail::store_be64(tail + blocks * kBlockSize - 8, size_ * 8);
    detail::sha256_backend().compress(state_.data(), tail, blocks);
    Uint256 hash;
    for (std::size_t i = 0; i < state_.size(); ++i) detail::store_be32(hash.data() + 4 * i, state_[i]);
    return hash;
}

Uint256 Sha256::finish_double() {
    return sha256(finish().span());
}

Sha256 tagged_hasher(std::string_view tag) {
    const Uint256 tag_hash = sha256(as_bytes(tag));
    return Sha256().write(tag_hash).write(tag_hash);
}

Uint256 tagged_hash(std::string_view tag, ByteSpan data) {
    return tagged_hasher(tag).write(data).finish();
}

void sha256d_64_many(std::uint8_t* out, const std::uint8_t* in, std::size_t count) {
    detail::sha256d_64_many(detail::sha256_backend(), out, in, count);
}

std::string_view sha256_backend_name() {
    return detail::sha256_backend().name;
}

}  // namespace cairn
