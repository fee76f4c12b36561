#pragma once

#include <array>
#include <optional>
#include <utility>

#include "consensus/crypto/bip324.hpp"
#include "net/wire/transport.hpp"
#include "net/wire/transport_v1.hpp"

namespace cairn::net {

/// Transport version 2: everything after the key exchange is encrypted and looks random.
///
/// A responder tells by the first 16 bytes whether the other side speaks v1 and then speaks v1 itself. Messages may be framed
/// from the moment can_send() holds; what the handshake itself sends comes out of take_output().
/// Limits: garbage of at most 4095 bytes, packets of at most one message of limits::kMaxMessageBytes.
/// Source: BIP324.
class TransportV2 final : public Transport {
public:
    enum class Side { initiator, responder };
    static constexpr std::size_t kMaxGarbage = 4095;

    /// Fresh key and garbage from the operating system.
    TransportV2(std::array<std::uint8_t, 4> magic, Side side);
    /// With these, for tests.
    TransportV2(std::array<std::uint8_t, 4> magic, Side side, Bip324Cipher cipher, Bytes garbage);

    std::size_t on_bytes(ByteSpan bytes) override;
    MutableByteSpan direct_buffer() override;
    void on_direct(std::size_t count) override;
    std::size_t incoming_bytes() const override { return v1_ ? v1_->incoming_bytes() : state_ == State::packet ? wanted_ - have_ : state_ == State::head ? contents_ : 0; }
    std::optional<Frame> take_frame() override;
    const std::string& fatal() const override { return v1_ ? v1_->fatal() : fatal_; }
    OutgoingBytes frame(std::string_view command, Bytes payload) override;
    Bytes take_output() override { return std::exchange(output_, {}); }
    bool can_send() const override { return v1_ || cipher_.is_ready(); }
    /// An initiator that has heard nothing: the other side may have hung up because it does not know v2.
    bool may_be_v1() const override { return side_ == Side::initiator && received_ == 0; }
    std::string_view name() const override;
    std::string session_id() const override;

private:
    enum class State : std::uint8_t { maybe_v1, key, garbage, length, head, packet, message, broken };

    std::size_t fill(ByteSpan bytes, std::size_t wanted);
    std::size_t on_prefix(ByteSpan bytes);
    std::size_t on_key(ByteSpan bytes);
    std::size_t on_garbage(ByteSpan bytes);
    std::size_t on_length(ByteSpan bytes);
    std::size_t on_head(ByteSpan bytes);
    void send_handshake();
    void open_step();
    void on_packet();
    void break_off(std::string why);

    std::array<std::uint8_t, 4> magic_;
    Side side_;
    Bip324Cipher cipher_;
    Bytes our_garbage_;
    std::optional<TransportV1> v1_;
    State state_;
    bool version_seen_ = false;   ///< the version packet came: packets are messages now
    Bytes buffer_;                ///< of the handshake, or one sealed packet, opened in steps
    std::size_t have_ = 0;        ///< of the packet
    std::size_t wanted_ = 0;      ///< bytes of the packet behind its head, with the tag
    std::size_t contents_ = 0;    ///< bytes of its contents
    Bytes aad_;                   ///< the garbage that came, until the first packet has authenticated it
    std::array<std::uint8_t, 2> prefix_{};  ///< the packet's head: its header and, where it has contents, the first byte of them, which is the message type
    std::size_t prefix_size_ = 0;
    Bytes payload_;
    std::uint64_t received_ = 0;
    Bytes output_;
    std::string fatal_;
};

}  // namespace cairn::net
