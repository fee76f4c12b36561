#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string_view>

#include "consensus/base/result.hpp"
#include "net/io/detail/negotiation.hpp"
#include "net/wire/net_address.hpp"

namespace cairn::net::detail {

/// I2P's base64: `-` and `~` in the places of `+` and `/`, with padding.
std::string to_i2p_base64(ByteSpan bytes);
std::optional<Bytes> from_i2p_base64(std::string_view text);
/// The `.b32.i2p` address of a destination: its SHA-256.
NetAddress i2p_address(ByteSpan destination);
/// The destination with which a private key file begins.
/// Errors: why the key is not one. Source: I2P's common structures, Destination and Certificate.
Result<Bytes, std::string> i2p_destination(ByteSpan private_key);

/// One answer of a SAM bridge, a line of `KEY=VALUE` and bare words.
struct SamReply {
    std::string full;
    std::map<std::string, std::optional<std::string>, std::less<>> keys;

    static SamReply parse(std::string_view line);
    std::optional<std::string> get(std::string_view key) const;
};

/// A conversation with a SAM 3.1 bridge: one line at a time each way, after a greeting.
class SamTalk : public Negotiation {
public:
    /// A bridge that sends more than this without an end of line is given up.
    static constexpr std::size_t kMaxLine = 65'536;

    std::size_t on_bytes(ByteSpan bytes) final;
    void on_silence(bool hung_up) override;
    /// The router may have to look around in its network first.
    std::chrono::seconds patience() const override { return std::chrono::minutes(3); }

protected:
    SamTalk() { ask("HELLO VERSION MIN=3.1 MAX=3.1"); }
    void ask(const std::string& request);
    /// The next answer is here; `request` is what it is one to, without secrets.
    virtual void on_reply(const SamReply& reply) = 0;
    /// The value of a key; when it is missing, or the result is not the wanted one, the conversation has failed.
    std::optional<std::string> value(const SamReply& reply, std::string_view key);
    bool succeeded(const SamReply& reply);

private:
    std::string line_, request_;
};

/// Creates a session, in which streams can then be made: it lives as long as this connection.
class SamSession final : public SamTalk {
public:
    struct Options {
        std::string id;
        bool transient = false;       ///< with a new address that is forgotten afterwards
        std::optional<Bytes> key;     ///< of a session that is not transient; none: one is made
        std::function<bool(ByteSpan)> save_key;  ///< called with a new one; false: it could not be kept
        std::string key_file;         ///< for the complaint
    };
    explicit SamSession(Options options) : options_(std::move(options)) {}

    const std::string& id() const { return options_.id; }
    /// Who we are; once done.
    const NetAddress& address() const { return address_; }

private:
    enum class Step { hello, generate, create };
    void on_reply(const SamReply& reply) override;
    void create();
    void take_key(ByteSpan key);

    Options options_;
    Step step_ = Step::hello;
    NetAddress address_;
};

/// Makes a stream to somebody in a session of ours.
class SamConnect final : public SamTalk {
public:
    SamConnect(std::string session_id, std::string host) : session_id_(std::move(session_id)), host_(std::move(host)) {}
    /// The bridge does not know our session any more.
    bool session_gone() const { return session_gone_; }

private:
    enum class Step { hello, lookup, connect };
    void on_reply(const SamReply& reply) override;

    std::string session_id_, host_;
    Step step_ = Step::hello;
    bool session_gone_ = false;
};

/// Waits for somebody who makes a stream to us.
class SamAccept final : public SamTalk {
public:
    explicit SamAccept(std::string session_id) : session_id_(std::move(session_id)) {}
    bool session_gone() const { return session_gone_; }
    /// The bridge has agreed; from now on somebody may come.
    bool listening() const { return step_ == Step::peer; }
    const NetAddress& peer() const { return peer_; }
    std::chrono::seconds patience() const override { return listening() ? std::chrono::seconds(0) : SamTalk::patience(); }

private:
    enum class Step { hello, accept, peer };
    void on_reply(const SamReply& reply) override;

    std::string session_id_;
    Step step_ = Step::hello;
    bool session_gone_ = false;
    NetAddress peer_;
};

}  // namespace cairn::net::detail
