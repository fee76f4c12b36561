#pragma once

#include <optional>

#include "consensus/crypto/chacha20poly1305.hpp"
#include "consensus/crypto/ellswift.hpp"

namespace cairn {

/// The packet cipher of transport v2: keys from the handshake, then one packet after the other in each direction.
/// Shape of a packet: 3 bytes of encrypted length (of the contents), 1 encrypted header byte, contents, 16 bytes of
/// tag. Thread: one at a time. Source: BIP324.
class Bip324Cipher {
public:
    static constexpr std::size_t kLengthSize = 3;
    static constexpr std::size_t kHeaderSize = 1;
    /// Bytes that a packet is longer than its contents.
    static constexpr std::size_t kExpansion = kLengthSize + kHeaderSize + FsChaCha20Poly1305::kExpansion;
    static constexpr std::size_t kGarbageTerminatorSize = 16;
    static constexpr std::uint32_t kRekeyInterval = 224;
    /// In the header byte: the receiver is to ignore the packet.
    static constexpr std::uint8_t kIgnoreBit = 0x80;

    using GarbageTerminator = std::array<std::uint8_t, kGarbageTerminatorSize>;
    using NetworkMagic = std::array<std::uint8_t, 4>;

    /// A fresh key of the operating system's randomness.
    explicit Bip324Cipher(NetworkMagic magic);
    Bip324Cipher(NetworkMagic magic, const PrivateKey& key, const EllSwiftKey& encoded);

    const EllSwiftKey& our_key() const { return our_key_; }
    /// Derives every key once the other side's is known, and forgets the private key. `swap_directions` makes a cipher
    /// that decrypts its own packets, for tests.
    void initialize(const EllSwiftKey& their_key, bool initiating, bool swap_directions = false);
    bool is_ready() const { return keys_.has_value(); }

    /// `out` has contents.size() + kExpansion bytes.
    void encrypt(ByteSpan contents, ByteSpan aad, bool ignore, MutableByteSpan out);
    /// The same for contents in two pieces.
    void encrypt(ByteSpan first, ByteSpan second, ByteSpan aad, bool ignore, MutableByteSpan out);
    /// The length of the contents that follow, off 3 bytes. Once for each packet.
    std::uint32_t decrypt_length(ByteSpan encrypted);
    /// `sealed` is all after the length bytes; `contents` has the announced size. False: not authentic, drop the
    /// connection.
    [[nodiscard]] bool decrypt(ByteSpan sealed, ByteSpan aad, bool& ignore, MutableByteSpan contents);

    /// The same into two pieces; the first has at most kMaxFirst bytes.
    [[nodiscard]] bool decrypt(ByteSpan sealed, ByteSpan aad, bool& ignore, MutableByteSpan first, MutableByteSpan second);
    static constexpr std::size_t kMaxFirst = 31;

    /// A packet where it stands: `head` has room for length and header before the first piece of the contents, `tag` has kTagSize bytes.
    static constexpr std::size_t kTagSize = FsChaCha20Poly1305::kExpansion;
    void seal(MutableByteSpan head, MutableByteSpan second, bool ignore, MutableByteSpan tag);
    /// And back; `head` begins with the header byte, behind which the first piece of the contents stands. False: not authentic.
    [[nodiscard]] bool open(MutableByteSpan head, MutableByteSpan second, ByteSpan tag, ByteSpan aad, bool& ignore);

    const Uint256& session_id() const { return session_id_; }
    const GarbageTerminator& send_garbage_terminator() const { return send_terminator_; }
    const GarbageTerminator& receive_garbage_terminator() const { return receive_terminator_; }

private:
    struct Keys {
        FsChaCha20 send_length, receive_length;
        FsChaCha20Poly1305 send_packet, receive_packet;
    };

    NetworkMagic magic_;
    std::optional<PrivateKey> key_;
    EllSwiftKey our_key_;
    std::optional<Keys> keys_;
    Uint256 session_id_;
    GarbageTerminator send_terminator_{};
    GarbageTerminator receive_terminator_{};
};

}  // namespace cairn
