#include "net/io/detail/sam.hpp"

#include <fmt/core.h>

#include <algorithm>

#include "consensus/crypto/hash.hpp"

namespace cairn::net::detail {
namespace {

constexpr std::string_view kAlphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-~";
constexpr std::size_t kCertificateSizeAt = 385;  // two bytes, big-endian
constexpr std::size_t kDestinationBase = 387;    // bytes of a destination without its certificate

}  // namespace

std::string to_i2p_base64(ByteSpan bytes) {
    std::string text;
    for (std::size_t i = 0; i < bytes.size(); i += 3) {
        const std::size_t count = std::min<std::size_t>(3, bytes.size() - i);
        std::uint32_t group = 0;
        for (std::size_t k = 0; k < 3; ++k) group = group << 8 | (k < count ? bytes[i + k] : 0u);
        for (std::size_t k = 0; k < 4; ++k) text += k <= count ? kAlphabet[group >> (18 - 6 * k) & 63] : '=';
    }
    return text;
}

std::optional<Bytes> from_i2p_base64(std::string_view text) {
    if (text.size() % 4 != 0) return std::nullopt;
    std::size_t padding = 0;
    while (padding < 2 && padding < text.size() && text[text.size() - 1 - padding] == '=') ++padding;
    Bytes bytes;
    std::uint32_t bits = 0;
    int count = 0;
    for (const char c : text.substr(0, text.size() - padding)) {
        const std::size_t digit = kAlphabet.find(c);
        if (digit == std::string_view::npos) return std::nullopt;
        bits = bits << 6 | static_cast<std::uint32_t>(digit);
        if (count += 6; count >= 8) {
            count -= 8;
            bytes.push_back(static_cast<std::uint8_t>(bits >> count));
        }
    }
    if ((bits & ((1u << count) - 1)) != 0) return std::nullopt;
    return bytes;
}

NetAddress i2p_address(ByteSpan destination) {
    const Uint256 hash = sha256(destination);
    return NetAddress::from_bip155(NetworkId::i2p, hash.span()).value_or(NetAddress());
}

Result<Bytes, std::string> i2p_destination(ByteSpan key) {
    if (key.size() < kDestinationBase) return fail(fmt::format("The private key is too short ({} < {})", key.size(), kDestinationBase));
    const std::size_t certificate = std::size_t{key[kCertificateSizeAt]} << 8 | key[kCertificateSizeAt + 1];
    if (kDestinationBase + certificate > key.size()) {
        return fail(fmt::format("Certificate length ({}) designates that the private key should be {} bytes, but it is only {} bytes",
                                certificate, kDestinationBase + certificate, key.size()));
    }
    return to_bytes(key.first(kDestinationBase + certificate));
}

SamReply SamReply::parse(std::string_view line) {
    SamReply reply;
    reply.full = line;
    while (true) {
        const std::string_view word = line.substr(0, line.find(' '));
        const std::size_t equals = word.find('=');
        std::optional<std::string> value;
        if (equals != std::string_view::npos) value = word.substr(equals + 1);
        reply.keys.emplace(word.substr(0, equals), std::move(value));
        if (word.size() == line.size()) return reply;
        line.remove_prefix(word.size() + 1);
    }
}

std::optional<std::string> SamReply::get(std::string_view key) const {
    const auto found = keys.find(key);
    return found == keys.end() ? std::nullopt : found->second;
}

// --- SamTalk

void SamTalk::ask(const std::string& request) {
    // A session's request carries our private key.
    request_ = request.starts_with("SESSION CREATE") ? "SESSION CREATE ..." : request;
    say(as_bytes(request + "\n"));
}

std::size_t SamTalk::on_bytes(ByteSpan bytes) {
    std::size_t taken = 0;
    while (state() == State::running && taken < bytes.size()) {
        const ByteSpan rest = bytes.subspan(taken);
        const auto end = std::find(rest.begin(), rest.end(), '\n');
        const auto count = static_cast<std::size_t>(end - rest.begin());
        line_ += as_text(rest.first(count));
        taken += count + (end == rest.end() ? 0 : 1);
        if (line_.size() > kMaxLine) {
            fail_with(fmt::format("Received too many bytes without a terminator ({})", line_.size()));
            break;
        }
        if (end != rest.end()) on_reply(SamReply::parse(std::exchange(line_, {})));
    }
    return taken;
}

void SamTalk::on_silence(bool hung_up) {
    if (state() != State::running) return;
    fail_with(hung_up ? std::string("Connection unexpectedly closed by peer")
                      : fmt::format("Receive timeout (received {} bytes without terminator before that)", line_.size()));
}

std::optional<std::string> SamTalk::value(const SamReply& reply, std::string_view key) {
    auto found = reply.get(key);
    if (!found) fail_with(fmt::format("Missing {}= in the reply to \"{}\"", key, request_));
    return found;
}

bool SamTalk::succeeded(const SamReply& reply) {
    const auto result = value(reply, "RESULT");
    if (result && *result != "OK") fail_with(fmt::format("Reply to \"{}\": had a RESULT not equal to OK.", request_));
    return result == "OK";
}

// --- SamSession

void SamSession::on_reply(const SamReply& reply) {
    switch (step_) {
        case Step::hello:
            if (!succeeded(reply)) return;
            if (options_.transient || options_.key) return create();
            step_ = Step::generate;
            // 7 is EdDSA_SHA512_Ed25519; some routers do not know it by its name.
            return ask("DEST GENERATE SIGNATURE_TYPE=7");
        case Step::generate: {
            const auto text = value(reply, "PRIV");
            if (!text) return;
            options_.key = from_i2p_base64(*text);
            if (!options_.key) return fail_with("Cannot decode Base64 of the new private key");
            if (options_.save_key && !options_.save_key(*options_.key)) return fail_with("Cannot save I2P private key to \"" + options_.key_file + "\"");
            return create();
        }
        case Step::create: {
            if (!succeeded(reply)) return;
            if (!options_.transient) return take_key(*options_.key);
            const auto text = value(reply, "DESTINATION");
            if (!text) return;
            const auto key = from_i2p_base64(*text);
            if (!key) return fail_with("Cannot decode Base64 of the session's destination");
            return take_key(*key);
        }
    }
}

void SamSession::create() {
    step_ = Step::create;
    if (options_.transient) {
        return ask("SESSION CREATE STYLE=STREAM ID=" + options_.id +
                   " DESTINATION=TRANSIENT SIGNATURE_TYPE=7 i2cp.leaseSetEncType=4,0 inbound.quantity=1 outbound.quantity=1");
    }
    ask("SESSION CREATE STYLE=STREAM ID=" + options_.id + " DESTINATION=" + to_i2p_base64(*options_.key) +
        " i2cp.leaseSetEncType=4,0 inbound.quantity=3 outbound.quantity=3");
}

void SamSession::take_key(ByteSpan key) {
    const auto destination = i2p_destination(key);
    if (!destination) return fail_with(destination.error());
    address_ = i2p_address(*destination);
    finish();
}

// --- SamConnect

void SamConnect::on_reply(const SamReply& reply) {
    switch (step_) {
        case Step::hello:
            if (!succeeded(reply)) return;
            step_ = Step::lookup;
            return ask("NAMING LOOKUP NAME=" + host_);
        case Step::lookup: {
            if (!succeeded(reply)) return;
            const auto destination = value(reply, "VALUE");
            if (!destination) return;
            step_ = Step::connect;
            return ask("STREAM CONNECT ID=" + session_id_ + " DESTINATION=" + *destination + " SILENT=false");
        }
        case Step::connect: {
            const auto result = value(reply, "RESULT");
            if (!result) return;
            if (*result == "OK") return finish();
            session_gone_ = *result == "INVALID_ID";
            return fail_with(session_gone_ ? "Invalid session id" : "\"" + reply.full + "\"");
        }
    }
}

// --- SamAccept

void SamAccept::on_reply(const SamReply& reply) {
    switch (step_) {
        case Step::hello:
            if (!succeeded(reply)) return;
            step_ = Step::accept;
            return ask("STREAM ACCEPT ID=" + session_id_ + " SILENT=false");
        case Step::accept: {
            const auto result = value(reply, "RESULT");
            if (!result) return;
            session_gone_ = *result == "INVALID_ID";
            if (*result != "OK") return fail_with("\"" + reply.full + "\"");
            step_ = Step::peer;
            return;
        }
        case Step::peer: {
            // The destination, and for newer bridges more words after it.
            const auto destination = from_i2p_base64(std::string_view(reply.full).substr(0, reply.full.find(' ')));
            if (destination && !destination->empty()) {
                peer_ = i2p_address(*destination);
                return finish();
            }
            // Instead of a peer the bridge may tell that the session is over, though its connection still stands.
            session_gone_ = reply.full.find("RESULT=I2P_ERROR") != std::string::npos;
            return fail_with(session_gone_ ? "unexpected reply that hints the session is unusable: " + reply.full
                                           : "Cannot decode Base64: \"" + reply.full + "\"");
        }
    }
}

}  // namespace cairn::net::detail
