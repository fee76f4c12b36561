#include "net/io/detail/port_map.hpp"

#include <fmt/core.h>

#include <algorithm>

namespace cairn::net::detail {
namespace {

constexpr std::uint8_t kPcp = 2, kNatPmp = 0;             // versions
constexpr std::uint8_t kAnswer = 0x80;                    // of the operation's byte
constexpr std::uint8_t kPcpMap = 1, kNatPmpAddress = 0, kNatPmpMapTcp = 2;
constexpr std::uint8_t kTcp = 6;
constexpr std::size_t kPcpHeader = 24, kPcpSize = 60, kNatPmpError = 8, kAddressAnswer = 12, kMapAnswer = 16;
constexpr unsigned kUnsupportedVersion = 1, kNatPmpNoResources = 4, kPcpNoResources = 8;

void put16(Bytes& out, std::size_t at, std::uint16_t value) {
    out[at] = static_cast<std::uint8_t>(value >> 8);
    out[at + 1] = static_cast<std::uint8_t>(value);
}
void put32(Bytes& out, std::size_t at, std::uint32_t value) {
    put16(out, at, static_cast<std::uint16_t>(value >> 16));
    put16(out, at + 2, static_cast<std::uint16_t>(value));
}
std::uint16_t get16(ByteSpan in, std::size_t at) { return static_cast<std::uint16_t>(in[at] << 8 | in[at + 1]); }
std::uint32_t get32(ByteSpan in, std::size_t at) { return std::uint32_t{get16(in, at)} << 16 | get16(in, at + 2); }

std::string describe(unsigned code, bool pcp) {
    static constexpr const char* kPcpNames[] = {"SUCCESS", "UNSUPP_VERSION", "NOT_AUTHORIZED", "MALFORMED_REQUEST", "UNSUPP_OPCODE",
                                                "UNSUPP_OPTION", "MALFORMED_OPTION", "NETWORK_FAILURE", "NO_RESOURCES", "UNSUPP_PROTOCOL",
                                                "USER_EX_QUOTA", "CANNOT_PROVIDE_EXTERNAL", "ADDRESS_MISMATCH", "EXCESSIVE_REMOTE_PEER"};
    static constexpr const char* kNatPmpNames[] = {"SUCCESS", "UNSUPP_VERSION", "NOT_AUTHORIZED", "NETWORK_FAILURE", "NO_RESOURCES", "UNSUPP_OPCODE"};
    const char* name = pcp ? (code < std::size(kPcpNames) ? kPcpNames[code] : "(unknown)")
                           : (code < std::size(kNatPmpNames) ? kNatPmpNames[code] : "(unknown)");
    return fmt::format("{} (code {})", name, code);
}

}  // namespace

std::string PortMapping::to_string() const {
    return fmt::format("{}:{} -> {} (for {}s)", pcp ? "pcp" : "natpmp", external.to_string(), internal.to_string(), lifetime_s);
}

PortMapRequest::PortMapRequest(Options options, std::function<void(Severity, const std::string&)> log) : options_(std::move(options)), log_(std::move(log)) {
    ask_pcp();
}

void PortMapRequest::ask_pcp() {
    Bytes out(kPcpSize);
    out[0] = kPcp;
    out[1] = kPcpMap;
    put32(out, 4, options_.lifetime_s);
    const auto internal = options_.internal.v1_bytes(), suggested = options_.suggested.v1_bytes();
    std::copy(internal.begin(), internal.end(), out.begin() + 8);
    std::copy(options_.nonce.begin(), options_.nonce.end(), out.begin() + kPcpHeader);
    out[kPcpHeader + 12] = kTcp;
    put16(out, kPcpHeader + 16, options_.port);
    put16(out, kPcpHeader + 18, options_.port);
    std::copy(suggested.begin(), suggested.end(), out.begin() + kPcpHeader + 20);
    ask(Step::pcp, std::move(out));
}

bool PortMapRequest::ask(Step step, Bytes datagram) {
    step_ = step;
    datagram_ = std::move(datagram);
    tries_ = 1;
    return true;
}

bool PortMapRequest::ignore(std::string_view why) {
    log_(Severity::warning, fmt::format("{}: {}", protocol(), why));
    return false;
}

bool PortMapRequest::give_up(const std::string& why) {
    log_(Severity::warning, fmt::format("{}: {}", protocol(), why));
    state_ = State::failed;
    return false;
}

bool PortMapRequest::on_timeout() {
    if (state_ != State::running) return false;
    log_(Severity::debug, fmt::format("{}: Timeout", protocol()));
    if (tries_ < kTries) {
        log_(Severity::debug, fmt::format("{}: Retrying ({})", protocol(), tries_));
        ++tries_;
        return true;
    }
    log_(Severity::debug, fmt::format("{}: Giving up after {} tries", protocol(), kTries));
    state_ = State::failed;
    return false;
}

bool PortMapRequest::on_datagram(ByteSpan bytes) {
    if (state_ != State::running) return false;
    switch (step_) {
        case Step::pcp: return on_pcp(bytes);
        case Step::external_address: return on_external_address(bytes);
        case Step::nat_pmp: return on_nat_pmp(bytes);
    }
    return false;
}

bool PortMapRequest::on_pcp(ByteSpan bytes) {
    // A router of the older protocol says so in its own format (RFC 6887, appendix A).
    if (bytes.size() == kNatPmpError && bytes[0] == kNatPmp && bytes[3] == kUnsupportedVersion) {
        if (options_.internal.network() != NetworkId::ipv4) return give_up("Got unsupported PCP version response");
        log_(Severity::debug, "portmap: Got unsupported PCP version response, falling back to NAT-PMP");
        return ask(Step::external_address, {kNatPmp, kNatPmpAddress});
    }
    if (bytes.size() < kPcpSize) return ignore("Response too small");
    if (bytes[0] != kPcp || bytes[1] != (kAnswer | kPcpMap)) return ignore("Response to wrong command");
    if (!std::equal(options_.nonce.begin(), options_.nonce.end(), bytes.begin() + kPcpHeader)) return ignore("Mapping nonce mismatch");
    if (bytes[kPcpHeader + 12] != kTcp || get16(bytes, kPcpHeader + 16) != options_.port)
        return ignore("Response protocol or port doesn't match request");
    if (const unsigned code = bytes[3]; code != 0) {
        no_resources_ = code == kPcpNoResources;
        return give_up("Mapping failed with result " + describe(code, true));
    }
    mapping_ = {true, {NetAddress::ipv6(bytes.subspan(kPcpHeader + 20, 16)), get16(bytes, kPcpHeader + 18)}, {options_.internal, options_.port},
                get32(bytes, 4)};
    state_ = State::mapped;
    return false;
}

bool PortMapRequest::on_external_address(ByteSpan bytes) {
    if (bytes.size() < kAddressAnswer) return ignore("Response too small");
    if (bytes[0] != kNatPmp || bytes[1] != (kAnswer | kNatPmpAddress)) return ignore("Response to wrong command");
    if (const unsigned code = get16(bytes, 2); code != 0) return give_up("Getting external address failed with result " + describe(code, false));
    mapping_.external.address = NetAddress::ipv4(get32(bytes, 8));
    Bytes out(12);
    out[0] = kNatPmp;
    out[1] = kNatPmpMapTcp;
    put16(out, 4, options_.port);
    put16(out, 6, options_.port);
    put32(out, 8, options_.lifetime_s);
    return ask(Step::nat_pmp, std::move(out));
}

bool PortMapRequest::on_nat_pmp(ByteSpan bytes) {
    if (bytes.size() < kMapAnswer) return ignore("Response too small");
    if (bytes[0] != kNatPmp || bytes[1] != (kAnswer | kNatPmpMapTcp)) return ignore("Response to wrong command");
    if (get16(bytes, 8) != options_.port) return ignore("Response port doesn't match request");
    if (const unsigned code = get16(bytes, 2); code != 0) {
        no_resources_ = code == kNatPmpNoResources;
        return give_up("Port mapping failed with result " + describe(code, false));
    }
    mapping_.pcp = false;
    mapping_.external.port = get16(bytes, 10);
    mapping_.internal = {options_.internal, options_.port};
    mapping_.lifetime_s = get32(bytes, 12);
    state_ = State::mapped;
    return false;
}

}  // namespace cairn::net::detail
