#pragma once

#include <optional>

#include "net/io/detail/negotiation.hpp"

namespace cairn::net::detail {

/// Asks a SOCKS5 proxy for a connection (RFC 1928, RFC 1929; Tor's additional answers). The host is always given by
/// name, addresses as text, so that the proxy does whatever there is to look up.
class Socks5 final : public Negotiation {
public:
    struct Credentials {
        std::string name, password;
    };
    /// The first bytes are ready at once.
    Socks5(std::string host, std::uint16_t port, std::optional<Credentials> credentials);

    std::size_t on_bytes(ByteSpan bytes) override;
    void on_silence(bool hung_up) override;
    std::chrono::seconds patience() const override { return std::chrono::seconds(20); }
    /// True when the proxy did its part, and it was the target that could not be reached.
    bool target_unreachable() const { return target_unreachable_; }

private:
    enum class Step { method, authentication, answer, address_size, address, over };
    void take(ByteSpan part);
    void on_method(ByteSpan part);
    void on_answer(ByteSpan part);
    void request();
    void expect(Step step, std::size_t size) {
        step_ = step;
        wanted_ = size;
    }

    std::string host_;
    std::uint16_t port_;
    std::optional<Credentials> credentials_;
    Step step_ = Step::method;
    std::size_t wanted_ = 2;  ///< bytes of the next part; never more than a name and a port have
    Bytes buffer_;
    bool target_unreachable_ = false;
};

}  // namespace cairn::net::detail
