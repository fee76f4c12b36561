#include "net/wire/transport_v2.hpp"

#include <algorithm>
#include <cstring>

#include "consensus/base/check.hpp"
#include "consensus/base/codec.hpp"
#include "consensus/base/hex.hpp"
#include "consensus/crypto/random.hpp"
#include "net/wire/limits.hpp"

namespace cairn::net {
namespace {

constexpr std::size_t kV1Prefix = 16;      // magic and "version", by which v1 is known
constexpr std::size_t kKeySize = 64;
constexpr std::size_t kTypeSize = 12;      // of a message type in full, behind a zero
constexpr std::size_t kMaxContents = 1 + kTypeSize + limits::kMaxMessageBytes;
constexpr std::size_t kTagSize = Bip324Cipher::kTagSize;
constexpr std::size_t kTrusted = 256 * 1024;  // of a packet came: room is made for all of it
constexpr std::size_t kInPlace = 4096;        // a payload at least so large is sealed where it stands

/// Message types with a number of their own, by it (BIP324; 37 is BIP434's).
constexpr std::array<std::string_view, 38> kTypes = {
    "",          "addr",       "block",      "blocktxn",    "cmpctblock", "feefilter",   "filteradd", "filterclear", "filterload", "getblocks",
    "getblocktxn", "getdata",  "getheaders", "headers",     "inv",        "mempool",     "merkleblock", "notfound",  "ping",       "pong",
    "sendcmpct", "tx",         "getcfilters", "cfilter",    "getcfheaders", "cfheaders", "getcfcheckpt", "cfcheckpt", "addrv2",    "",
    "",          "",           "",           "",            "",           "",            "",          "feature"};

std::uint8_t type_number(std::string_view command) {
    for (std::size_t i = 1; i < kTypes.size(); ++i)
        if (kTypes[i] == command) return static_cast<std::uint8_t>(i);
    return 0;
}

/// A type in full: printable characters, then only zeros. nullopt: it is not one.
std::optional<std::string> full_type(ByteSpan field) {
    const auto end = std::find(field.begin(), field.end(), 0);
    if (!std::all_of(field.begin(), end, [](std::uint8_t c) { return c >= 0x20 && c <= 0x7f; })) return std::nullopt;
    if (!std::all_of(end, field.end(), [](std::uint8_t c) { return c == 0; })) return std::nullopt;
    return std::string(field.begin(), end);
}

Bytes random_garbage() {
    const Uint256 dice = random_uint256();
    Bytes garbage(dice.low64() % (TransportV2::kMaxGarbage + 1));
    fill_random(garbage);
    return garbage;
}

Bytes v1_prefix(const std::array<std::uint8_t, 4>& magic) {
    Bytes prefix(magic.begin(), magic.end());
    for (const char c : std::string_view("version")) prefix.push_back(static_cast<std::uint8_t>(c));
    prefix.resize(kV1Prefix);
    return prefix;
}

}  // namespace

TransportV2::TransportV2(std::array<std::uint8_t, 4> magic, Side side) : TransportV2(magic, side, Bip324Cipher(magic), random_garbage()) {}

TransportV2::TransportV2(std::array<std::uint8_t, 4> magic, Side side, Bip324Cipher cipher, Bytes garbage)
    : magic_(magic),
      side_(side),
      cipher_(std::move(cipher)),
      our_garbage_(std::move(garbage)),
      state_(side == Side::initiator ? State::key : State::maybe_v1) {
    CAIRN_CHECK(our_garbage_.size() <= kMaxGarbage);
    if (side == Side::initiator) send_handshake();
}

std::string_view TransportV2::name() const {
    if (v1_) return "v1";
    return version_seen_ ? "v2" : "detecting";
}

std::string TransportV2::session_id() const { return !v1_ && version_seen_ ? to_hex(cipher_.session_id().span()) : std::string(); }

void TransportV2::break_off(std::string why) {
    fatal_ = "V2 transport error: " + std::move(why);
    state_ = State::broken;
}

void TransportV2::send_handshake() {
    const auto& key = cipher_.our_key();
    output_.insert(output_.end(), key.begin(), key.end());
    output_.insert(output_.end(), our_garbage_.begin(), our_garbage_.end());
}

/// Moves bytes into buffer_ until it has `wanted`.
std::size_t TransportV2::fill(ByteSpan bytes, std::size_t wanted) {
    const std::size_t count = std::min(bytes.size(), wanted - buffer_.size());
    buffer_.insert(buffer_.end(), bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(count));
    return count;
}

std::size_t TransportV2::on_prefix(ByteSpan bytes) {
    const Bytes prefix = v1_prefix(magic_);
    const std::size_t taken = fill(bytes, kV1Prefix);
    if (!std::equal(buffer_.begin(), buffer_.end(), prefix.begin())) {
        state_ = State::key;  // what came is the start of their key
        send_handshake();
    } else if (buffer_.size() == kV1Prefix) {
        v1_.emplace(magic_);
        v1_->on_bytes(buffer_);
        buffer_ = {};
    }
    return taken;
}

std::size_t TransportV2::on_key(ByteSpan bytes) {
    const std::size_t taken = fill(bytes, kKeySize);
    // A v1 peer of another network, which would otherwise look like a key.
    if (side_ == Side::responder && buffer_.size() >= kV1Prefix) {
        const Bytes prefix = v1_prefix(magic_);
        if (std::equal(prefix.begin() + 4, prefix.end(), buffer_.begin() + 4)) {
            break_off("V1 peer with wrong MessageStart " + to_hex(ByteSpan(buffer_).first(4)));
            return taken;
        }
    }
    if (buffer_.size() < kKeySize) return taken;
    EllSwiftKey theirs;
    std::copy(buffer_.begin(), buffer_.end(), theirs.begin());
    cipher_.initialize(theirs, side_ == Side::initiator);
    buffer_.clear();
    state_ = State::garbage;
    // The terminator of our garbage, and our version packet, which authenticates it.
    const auto& terminator = cipher_.send_garbage_terminator();
    output_.insert(output_.end(), terminator.begin(), terminator.end());
    const std::size_t at = output_.size();
    output_.resize(at + Bip324Cipher::kExpansion);
    cipher_.encrypt({}, our_garbage_, false, MutableByteSpan(output_).subspan(at));
    our_garbage_ = {};
    return taken;
}

std::size_t TransportV2::on_garbage(ByteSpan bytes) {
    const auto& terminator = cipher_.receive_garbage_terminator();
    std::size_t taken = 0;
    for (const std::uint8_t byte : bytes) {
        ++taken;
        buffer_.push_back(byte);
        if (buffer_.size() < terminator.size()) continue;
        if (std::equal(terminator.begin(), terminator.end(), buffer_.end() - static_cast<std::ptrdiff_t>(terminator.size()))) {
            buffer_.resize(buffer_.size() - terminator.size());
            aad_ = std::exchange(buffer_, {});
            state_ = State::length;
            break;
        }
        if (buffer_.size() == kMaxGarbage + terminator.size()) {
            break_off("missing garbage terminator");
            break;
        }
    }
    return taken;
}

std::size_t TransportV2::on_length(ByteSpan bytes) {
    const std::size_t taken = fill(bytes, Bip324Cipher::kLengthSize);
    if (buffer_.size() < Bip324Cipher::kLengthSize) return taken;
    const std::uint32_t contents = cipher_.decrypt_length(buffer_);
    if (contents > kMaxContents) {
        break_off("packet too large (" + std::to_string(contents) + " bytes)");
        return taken;
    }
    contents_ = contents;
    prefix_size_ = contents == 0 ? 1 : 2;
    buffer_.clear();
    state_ = State::head;
    return taken;
}

/// The head is set apart, so that the payload is opened where it came in and stays there.
std::size_t TransportV2::on_head(ByteSpan bytes) {
    const std::size_t taken = fill(bytes, prefix_size_);
    if (buffer_.size() < prefix_size_) return taken;
    std::copy(buffer_.begin(), buffer_.end(), prefix_.begin());
    wanted_ = contents_ + Bip324Cipher::kHeaderSize - prefix_size_ + kTagSize;
    have_ = 0;
    buffer_.clear();
    state_ = State::packet;
    open_step();
    return taken;
}

void TransportV2::open_step() {
    if (buffer_.size() != have_ || have_ == wanted_) return;
    if (have_ >= kTrusted) buffer_.reserve(wanted_);  // it did not only announce it
    buffer_.resize(std::min(wanted_, have_ + limits::kReceiveStep));
}

void TransportV2::on_packet() {
    bool ignore = false;
    const std::size_t rest = wanted_ - kTagSize;
    const bool good = cipher_.open(MutableByteSpan(prefix_).first(prefix_size_), MutableByteSpan(buffer_).first(rest),
                                   ByteSpan(buffer_).subspan(rest), aad_, ignore);
    aad_ = {};
    buffer_.resize(rest);
    payload_ = std::exchange(buffer_, {});
    if (!good) return break_off("packet decryption failure (" + std::to_string(contents_) + " bytes)");
    state_ = State::length;
    if (ignore) {
        payload_ = {};
    } else if (!version_seen_) {
        version_seen_ = true;
        payload_ = {};
    } else {
        state_ = State::message;
    }
}

std::size_t TransportV2::on_bytes(ByteSpan bytes) {
    std::size_t taken = 0;
    while (taken < bytes.size()) {
        const ByteSpan rest = bytes.subspan(taken);
        if (v1_) return taken + v1_->on_bytes(rest);
        std::size_t count = 0;
        switch (state_) {
            case State::maybe_v1: count = on_prefix(rest); break;
            case State::key: count = on_key(rest); break;
            case State::garbage: count = on_garbage(rest); break;
            case State::length: count = on_length(rest); break;
            case State::head: count = on_head(rest); break;
            case State::packet: {
                const MutableByteSpan room = direct_buffer();
                count = std::min(room.size(), rest.size());
                std::memcpy(room.data(), rest.data(), count);
                on_direct(count);
                received_ -= count;  // counted below
                break;
            }
            case State::message:
            case State::broken: return taken;
        }
        taken += count;
        received_ += count;
    }
    return taken;
}

MutableByteSpan TransportV2::direct_buffer() {
    if (v1_) return v1_->direct_buffer();
    if (state_ != State::packet) return {};
    return MutableByteSpan(buffer_).subspan(have_);
}

void TransportV2::on_direct(std::size_t count) {
    if (v1_) return v1_->on_direct(count);
    CAIRN_CHECK(have_ + count <= buffer_.size());
    have_ += count;
    received_ += count;
    if (have_ == wanted_) on_packet();
    else open_step();
}

std::optional<Frame> TransportV2::take_frame() {
    if (v1_) return v1_->take_frame();
    if (state_ != State::message) return std::nullopt;
    state_ = State::length;
    const std::size_t contents = contents_;
    Frame frame;
    frame.wire_bytes = contents + Bip324Cipher::kExpansion;
    frame.payload = std::exchange(payload_, {});
    std::optional<std::string> type;
    if (contents == 0) {
        // no type at all
    } else if (prefix_[1] != 0) {
        if (prefix_[1] < kTypes.size() && !kTypes[prefix_[1]].empty()) type = std::string(kTypes[prefix_[1]]);
    } else if (frame.payload.size() >= kTypeSize) {
        type = full_type(ByteSpan(frame.payload).first(kTypeSize));
        frame.payload.erase(frame.payload.begin(), frame.payload.begin() + kTypeSize);
    }
    if (type) {
        frame.command = std::move(*type);
    } else {
        frame.rejected = true;
        frame.payload = {};
        frame.problem = "V2 transport error: invalid message type (" + std::to_string(contents) + " bytes contents)";
    }
    return frame;
}

OutgoingBytes TransportV2::frame(std::string_view command, Bytes payload) {
    if (v1_) return v1_->frame(command, std::move(payload));
    CAIRN_CHECK(command.size() <= kTypeSize && cipher_.is_ready());
    std::array<std::uint8_t, 1 + kTypeSize> type{};
    std::size_t type_size = 1;
    type[0] = type_number(command);
    if (type[0] == 0) {
        std::copy(command.begin(), command.end(), type.begin() + 1);
        type_size = type.size();
    }
    OutgoingBytes out;
    if (payload.size() >= kInPlace && payload.capacity() - payload.size() >= kTagSize) {
        const std::size_t size = payload.size();
        out.head.resize(Bip324Cipher::kLengthSize + Bip324Cipher::kHeaderSize);
        out.head.insert(out.head.end(), type.begin(), type.begin() + static_cast<std::ptrdiff_t>(type_size));
        payload.resize(size + kTagSize);
        cipher_.seal(out.head, MutableByteSpan(payload).first(size), false, MutableByteSpan(payload).subspan(size));
        out.body = std::move(payload);
        return out;
    }
    out.body.resize(type_size + payload.size() + Bip324Cipher::kExpansion);
    cipher_.encrypt(ByteSpan(type).first(type_size), payload, {}, false, out.body);
    return out;
}

}  // namespace cairn::net
