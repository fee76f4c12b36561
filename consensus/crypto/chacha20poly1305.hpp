#pragma once

#include "consensus/crypto/chacha20.hpp"

namespace cairn {

/// Poly1305 of one message with a one-time key of 32 bytes.
std::array<std::uint8_t, 16> poly1305(ByteSpan key, ByteSpan message);

/// Authenticated encryption of RFC 8439. Thread: one at a time.
class ChaCha20Poly1305 {
public:
    static constexpr std::size_t kKeySize = 32;
    /// Bytes that a sealed message is longer than the open one.
    static constexpr std::size_t kExpansion = 16;

    explicit ChaCha20Poly1305(ByteSpan key);

    void set_key(ByteSpan key);
    /// Seals `first` and `second` as one message. `out` has room for both and kExpansion; it may begin where `first`
    /// does when `second` is empty.
    void encrypt(ByteSpan first, ByteSpan second, ByteSpan aad, Nonce96 nonce, MutableByteSpan out);
    /// Opens `sealed` into `first` and then `second`, which together are kExpansion shorter. False when it is not
    /// authentic; what stands in the outputs is then worthless.
    [[nodiscard]] bool decrypt(ByteSpan sealed, ByteSpan aad, Nonce96 nonce, MutableByteSpan first,
                               MutableByteSpan second);
    /// The same where they stand: `first` and `second` become their sealed forms, `tag` (kExpansion bytes) what comes behind them.
    void seal(MutableByteSpan first, MutableByteSpan second, ByteSpan aad, Nonce96 nonce, MutableByteSpan tag);
    /// And back. False when it is not authentic.
    [[nodiscard]] bool open(MutableByteSpan first, MutableByteSpan second, ByteSpan tag, ByteSpan aad, Nonce96 nonce);
    /// The stream that decrypts a nonce's message, from its first block on.
    void keystream(Nonce96 nonce, MutableByteSpan out);

private:
    detail::CipherContext context_;
    ChaCha20 stream_;
};

/// ChaCha20Poly1305 that counts its nonces itself and replaces its key after a number of messages (BIP324: the cipher
/// of packet contents). Thread: one at a time.
class FsChaCha20Poly1305 {
public:
    static constexpr std::size_t kExpansion = ChaCha20Poly1305::kExpansion;

    FsChaCha20Poly1305(ByteSpan key, std::uint32_t rekey_interval);

    void encrypt(ByteSpan first, ByteSpan second, ByteSpan aad, MutableByteSpan out);
    [[nodiscard]] bool decrypt(ByteSpan sealed, ByteSpan aad, MutableByteSpan first, MutableByteSpan second);
    /// Where they stand, as ChaCha20Poly1305 does.
    void seal(MutableByteSpan first, MutableByteSpan second, ByteSpan aad, MutableByteSpan tag);
    [[nodiscard]] bool open(MutableByteSpan first, MutableByteSpan second, ByteSpan tag, ByteSpan aad);

private:
    Nonce96 nonce() const { return {messages_, rekeys_}; }
    void next();

    ChaCha20Poly1305 cipher_;
    const std::uint32_t rekey_interval_;
    std::uint32_t messages_ = 0;
    std::uint64_t rekeys_ = 0;
};

}  // namespace cairn
