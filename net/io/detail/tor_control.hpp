#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string_view>
#include <vector>

#include "net/io/detail/negotiation.hpp"
#include "net/wire/net_address.hpp"

namespace cairn::net::detail {

/// "AUTH METHODS=…" -> {"AUTH", "METHODS=…"}.
std::pair<std::string, std::string> split_tor_line(std::string_view line);
/// `KEY=value KEY="quoted value" …`, up to the first word without `=`; empty when it is malformed.
/// Source: Tor's control specification, sections 2.1 and 2.1.1.
std::map<std::string, std::string> parse_tor_mapping(std::string_view text);

/// Speaks with Tor's control port: proves who we are, asks where the SOCKS port is, and has an onion service made that
/// exists as long as this connection. Runs until one side hangs up; a refusal leaves the connection as it is.
class TorControl final : public Negotiation {
public:
    static constexpr std::size_t kMaxLine = 100'000;  ///< the line's end not counted
    static constexpr std::size_t kMaxLines = 1'000;   ///< of one reply
    static constexpr std::size_t kCookieSize = 32, kNonceSize = 32;

    enum class Severity { debug, info, warning };
    struct Options {
        std::string password;          ///< empty: none
        std::string private_key;       ///< of the service, as Tor gave it; empty: a new one
        std::uint16_t service_port = 8333;  ///< under which the service is known
        std::string target;            ///< where Tor forwards to
        bool ask_for_socks = true;
        Bytes nonce;                   ///< kNonceSize random bytes
        std::function<void(Severity, const std::string&)> log;
        /// The content of Tor's cookie file; nullopt when it cannot be read.
        std::function<std::optional<Bytes>(const std::string& path)> read_cookie;
        /// Where Tor takes onion connections.
        std::function<void(const Endpoint&)> on_socks;
        /// The service stands: its name, and its key to be kept.
        std::function<void(const std::string& id, const std::string& private_key)> on_service;
    };
    explicit TorControl(Options options);

    std::size_t on_bytes(ByteSpan bytes) override;
    void on_silence(bool hung_up) override;
    std::chrono::seconds patience() const override { return std::chrono::seconds(0); }

private:
    struct Reply {
        int code = 0;
        std::vector<std::string> lines;
    };
    using Handler = void (TorControl::*)(const Reply&);

    void on_line(std::string_view line);
    void command(const std::string& text, Handler handler);
    void on_protocol_info(const Reply& reply);
    void on_challenge(const Reply& reply);
    void on_authenticated(const Reply& reply);
    void on_socks(const Reply& reply);
    void on_service_with_pow(const Reply& reply) { on_service(reply, true); }
    void on_service_without_pow(const Reply& reply) { on_service(reply, false); }
    void on_service(const Reply& reply, bool pow);
    void authenticate_by_cookie(const std::string& path);
    void add_service(bool pow);
    void debug(const std::string& text) { options_.log(Severity::debug, text); }
    void warn(const std::string& text) { options_.log(Severity::warning, "tor: " + text); }

    Options options_;
    std::string line_;
    Reply reply_;
    std::vector<Handler> handlers_;  ///< of the commands under way, in order; a handful
    Bytes cookie_;
};

}  // namespace cairn::net::detail
