#include "net/io/detail/socks5.hpp"

#include <fmt/core.h>

#include <algorithm>

namespace cairn::net::detail {
namespace {

constexpr std::uint8_t kVersion = 5, kAuthenticationVersion = 1, kConnect = 1;
constexpr std::uint8_t kNoAuthentication = 0, kNameAndPassword = 2;
constexpr std::uint8_t kIpv4 = 1, kName = 3, kIpv6 = 4;
constexpr std::size_t kMaxText = 255;  // lengths are one byte

/// What the second byte of the answer means; from 0xf0 on it is Tor's.
std::string describe(std::uint8_t answer) {
    switch (answer) {
        case 0x01: return "general failure";
        case 0x02: return "connection not allowed";
        case 0x03: return "network unreachable";
        case 0x04: return "host unreachable";
        case 0x05: return "connection refused";
        case 0x06: return "TTL expired";
        case 0x07: return "protocol error";
        case 0x08: return "address type not supported";
        case 0xf0: return "onion service descriptor can not be found";
        case 0xf1: return "onion service descriptor is invalid";
        case 0xf2: return "onion service introduction failed";
        case 0xf3: return "onion service rendezvous failed";
        case 0xf4: return "onion service missing client authorization";
        case 0xf5: return "onion service wrong client authorization";
        case 0xf6: return "onion service invalid address";
        case 0xf7: return "onion service introduction timed out";
        default: return fmt::format("unknown (0x{:02x})", answer);
    }
}

void append(Bytes& out, std::string_view text) {
    out.push_back(static_cast<std::uint8_t>(text.size()));
    const ByteSpan bytes = as_bytes(text);
    out.insert(out.end(), bytes.begin(), bytes.end());
}

}  // namespace

Socks5::Socks5(std::string host, std::uint16_t port, std::optional<Credentials> credentials)
    : host_(std::move(host)), port_(port), credentials_(std::move(credentials)) {
    if (host_.empty() || host_.size() > kMaxText) fail_with("Hostname too long");
    else if (credentials_ && (credentials_->name.size() > kMaxText || credentials_->password.size() > kMaxText)) fail_with("Proxy username or password too long");
    else if (credentials_) say(Bytes{kVersion, 2, kNoAuthentication, kNameAndPassword});
    else say(Bytes{kVersion, 1, kNoAuthentication});
}

std::size_t Socks5::on_bytes(ByteSpan bytes) {
    std::size_t taken = 0;
    while (state() == State::running && taken < bytes.size()) {
        const std::size_t count = std::min(wanted_ - buffer_.size(), bytes.size() - taken);
        const ByteSpan piece = bytes.subspan(taken, count);
        buffer_.insert(buffer_.end(), piece.begin(), piece.end());
        taken += count;
        if (buffer_.size() == wanted_) take(std::exchange(buffer_, {}));
    }
    return taken;
}

void Socks5::take(ByteSpan part) {
    switch (step_) {
        case Step::method: return on_method(part);
        case Step::authentication:
            if (part[0] != kAuthenticationVersion || part[1] != 0) return fail_with("Proxy authentication unsuccessful");
            return request();
        case Step::answer: return on_answer(part);
        case Step::address_size: return expect(Step::address, std::size_t{part[0]} + 2);
        case Step::address:
            expect(Step::over, 0);
            return finish();
        case Step::over: return;
    }
}

void Socks5::on_method(ByteSpan part) {
    if (part[0] != kVersion) return fail_with("Proxy failed to initialize");
    if (part[1] == kNoAuthentication) return request();
    if (part[1] != kNameAndPassword || !credentials_) return fail_with(fmt::format("Proxy requested wrong authentication method {:02x}", part[1]));
    Bytes out{kAuthenticationVersion};
    append(out, credentials_->name);
    append(out, credentials_->password);
    say(out);
    expect(Step::authentication, 2);
}

void Socks5::request() {
    Bytes out{kVersion, kConnect, 0, kName};
    append(out, host_);
    out.push_back(static_cast<std::uint8_t>(port_ >> 8));
    out.push_back(static_cast<std::uint8_t>(port_));
    say(out);
    expect(Step::answer, 4);
}

void Socks5::on_answer(ByteSpan part) {
    if (part[0] != kVersion) return fail_with("Proxy failed to accept request");
    if (part[1] != 0) {
        target_unreachable_ = true;
        return fail_with(fmt::format("Socks5() connect to {}:{} failed: {}", host_, port_, describe(part[1])));
    }
    if (part[2] != 0) return fail_with("Error: malformed proxy response");
    switch (part[3]) {
        case kIpv4: return expect(Step::address, 4 + 2);
        case kIpv6: return expect(Step::address, 16 + 2);
        case kName: return expect(Step::address_size, 1);
        default: return fail_with("Error: malformed proxy response");
    }
}

void Socks5::on_silence(bool hung_up) {
    if (state() != State::running) return;
    switch (step_) {
        case Step::method:
            return fail_with(fmt::format("Socks5() connect to {}:{} failed: InterruptibleRecv() timeout or other failure", host_, port_));
        case Step::authentication: return fail_with("Error reading proxy authentication response");
        case Step::answer:
            // Through Tor, silence here is what an unreachable target looks like.
            target_unreachable_ = !hung_up;
            return fail_with(hung_up ? "Error while reading proxy response" : fmt::format("Socks5() connect to {}:{} failed: timed out", host_, port_));
        default: return fail_with("Error reading from proxy");
    }
}

}  // namespace cairn::net::detail
