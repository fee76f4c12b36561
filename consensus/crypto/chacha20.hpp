#pragma once

#include <array>
#include <memory>

#include "consensus/base/bytes.hpp"

struct evp_cipher_ctx_st;

namespace cairn {

namespace detail {
struct CipherDeleter {
    void operator()(evp_cipher_ctx_st* context) const;
};
using CipherContext = std::unique_ptr<evp_cipher_ctx_st, CipherDeleter>;
}  // namespace detail

/// RFC 8439's 96-bit nonce as Bitcoin counts with it: four bytes, then eight, both little-endian.
struct Nonce96 {
    std::uint32_t first = 0;
    std::uint64_t second = 0;
};

/// The ChaCha20 keystream. Thread: one at a time. Source: RFC 8439.
class ChaCha20 {
public:
    static constexpr std::size_t kKeySize = 32;

    /// Starts at nonce and block zero.
    explicit ChaCha20(ByteSpan key);

    void set_key(ByteSpan key);
    /// Goes to a block of 64 bytes of a nonce's stream. Beyond the last 32-bit block number the stream goes on in
    /// nonce.first + 1.
    void seek(Nonce96 nonce, std::uint32_t block);
    /// `out` = `in` xor the next bytes of the stream; same size, may be the same memory.
    void crypt(ByteSpan in, MutableByteSpan out);
    /// The next bytes of the stream.
    void keystream(MutableByteSpan out);

private:
    detail::CipherContext context_;
};

/// ChaCha20 that replaces its key after a number of messages (BIP324: the cipher of packet lengths).
/// Thread: one at a time.
class FsChaCha20 {
public:
    FsChaCha20(ByteSpan key, std::uint32_t rekey_interval);
    /// One message.
    void crypt(ByteSpan in, MutableByteSpan out);

private:
    ChaCha20 cipher_;
    const std::uint32_t rekey_interval_;
    std::uint32_t messages_ = 0;
    std::uint64_t rekeys_ = 0;
};

}  // namespace cairn
