#include "net/wire/transport_v1.hpp"

#include <algorithm>
#include <cstring>

#include "consensus/base/check.hpp"
#include "consensus/base/codec.hpp"
#include "consensus/base/hex.hpp"
#include "consensus/crypto/hash.hpp"
#include "net/wire/limits.hpp"

namespace cairn::net {
namespace {

constexpr std::size_t kTrusted = 256 * 1024;  // of a payload came: room is made for all of it

/// Printable characters up to the padding, then only zeros.
bool command_is_clean(ByteSpan field) {
    const auto end = std::find(field.begin(), field.end(), 0);
    return std::all_of(field.begin(), end, [](std::uint8_t c) { return c >= 0x20 && c <= 0x7e; }) &&
           std::all_of(end, field.end(), [](std::uint8_t c) { return c == 0; });
}

std::string command_text(ByteSpan field) {
    std::string text;
    for (const std::uint8_t c : field) {
        if (c == 0) break;
        if (c >= 0x20 && c <= 0x7e) text += static_cast<char>(c);
    }
    return text;
}

}  // namespace

void TransportV1::on_header() {
    const ByteSpan header(header_);
    if (!std::equal(magic_.begin(), magic_.end(), header.begin())) {
        fatal_ = "Header error: Wrong MessageStart " + to_hex(header.first(4)) + " received";
        return;
    }
    std::uint32_t length;
    std::memcpy(&length, header_.data() + 16, sizeof length);
    if (length > limits::kMaxMessageBytes) {
        fatal_ = "Header error: Size too large (" + command_text(header.subspan(4, 12)) + ", " + std::to_string(length) + " bytes)";
        return;
    }
    length_ = length;
    open_step();
}

void TransportV1::open_step() {
    if (payload_.size() != have_ || have_ == length_) return;
    if (have_ >= kTrusted) payload_.reserve(length_);  // it did not only announce it
    payload_.resize(std::min(length_, have_ + limits::kReceiveStep));
}

std::size_t TransportV1::on_bytes(ByteSpan bytes) {
    std::size_t taken = 0;
    if (!fatal_.empty()) return 0;
    if (header_have_ < kHeaderSize) {
        taken = std::min(bytes.size(), kHeaderSize - header_have_);
        std::memcpy(header_.data() + header_have_, bytes.data(), taken);
        header_have_ += taken;
        if (header_have_ >= 4 && !std::equal(magic_.begin(), magic_.end(), header_.begin())) {
            on_header();
            return taken;
        }
        if (header_have_ < kHeaderSize) return taken;
        on_header();
        if (!fatal_.empty()) return taken;
    }
    while (have_ < length_ && taken < bytes.size()) {
        const MutableByteSpan room = direct_buffer();
        const std::size_t count = std::min(room.size(), bytes.size() - taken);
        std::memcpy(room.data(), bytes.data() + taken, count);
        taken += count;
        on_direct(count);
    }
    return taken;
}

MutableByteSpan TransportV1::direct_buffer() {
    if (header_have_ < kHeaderSize || have_ == length_ || !fatal_.empty()) return {};
    return MutableByteSpan(payload_).subspan(have_);
}

void TransportV1::on_direct(std::size_t count) {
    CAIRN_CHECK(have_ + count <= payload_.size());
    have_ += count;
    open_step();
}

std::optional<Frame> TransportV1::take_frame() {
    if (!fatal_.empty() || header_have_ < kHeaderSize || have_ < length_) return std::nullopt;
    Frame frame;
    const ByteSpan name = ByteSpan(header_).subspan(4, 12);
    frame.command = command_text(name);
    frame.payload = std::move(payload_);
    frame.wire_bytes = kHeaderSize + length_;
    const Uint256 sum = hash256(frame.payload);
    if (std::memcmp(sum.data(), header_.data() + 20, 4) != 0) {
        frame.rejected = true;
        frame.problem = "Header error: Wrong checksum (" + frame.command + ", " + std::to_string(length_) + " bytes), expected " +
                        to_hex(sum.span().first(4)) + " was " + to_hex(ByteSpan(header_).subspan(20, 4));
    } else if (!command_is_clean(name)) {
        frame.rejected = true;
        frame.problem = "Header error: Invalid message type (" + frame.command + ", " + std::to_string(length_) + " bytes)";
    }
    payload_ = {};
    header_have_ = length_ = have_ = 0;
    return frame;
}

OutgoingBytes TransportV1::frame(std::string_view command, Bytes payload) {
    CAIRN_CHECK(command.size() <= 12);
    OutgoingBytes out;
    out.head.reserve(kHeaderSize);
    Writer writer(out.head);
    writer.bytes(magic_);
    writer.bytes(as_bytes(command));
    out.head.resize(16);
    writer.u32(static_cast<std::uint32_t>(payload.size()));
    const Uint256 sum = hash256(payload);
    writer.bytes(sum.span().first(4));
    out.body = std::move(payload);
    return out;
}

}  // namespace cairn::net
