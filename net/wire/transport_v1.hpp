#pragma once

#include <array>

#include "net/wire/transport.hpp"

namespace cairn::net {

/// The original framing: magic, command (12 bytes, zero padded), length, the first four bytes of the payload's
/// SHA-256d, payload. A wrong magic or a length beyond limits::kMaxMessageBytes ends the connection; a wrong checksum
/// or a command with odd characters loses that message only.
class TransportV1 final : public Transport {
public:
    static constexpr std::size_t kHeaderSize = 24;

    explicit TransportV1(std::array<std::uint8_t, 4> magic) : magic_(magic) {}

    std::size_t on_bytes(ByteSpan bytes) override;
    MutableByteSpan direct_buffer() override;
    void on_direct(std::size_t count) override;
    std::size_t incoming_bytes() const override { return header_have_ < kHeaderSize ? 0 : length_ - have_; }
    std::optional<Frame> take_frame() override;
    const std::string& fatal() const override { return fatal_; }
    OutgoingBytes frame(std::string_view command, Bytes payload) override;
    std::string_view name() const override { return "v1"; }

private:
    void on_header();
    void open_step();

    std::array<std::uint8_t, 4> magic_;
    std::array<std::uint8_t, kHeaderSize> header_{};
    std::size_t header_have_ = 0;
    std::size_t length_ = 0;
    Bytes payload_;           ///< opened in steps, so that memory follows the bytes that came
    std::size_t have_ = 0;
    std::string fatal_;
};

}  // namespace cairn::net
