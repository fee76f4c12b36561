#pragma once

#include <chrono>
#include <string>
#include <utility>

#include "consensus/base/bytes.hpp"

namespace cairn::net::detail {

/// What is said to a helper (a proxy, a bridge) before a connection is of use: bytes in, bytes out, no sockets, no clock.
/// Owner: net thread.
class Negotiation {
public:
    enum class State { running, done, failed };

    virtual ~Negotiation() = default;
    /// Takes bytes of the other side and gives how many were meant for this conversation: all, until it is done.
    virtual std::size_t on_bytes(ByteSpan bytes) = 0;
    /// The other side hung up, or kept silent for longer than patience().
    virtual void on_silence(bool hung_up) = 0;

    /// What is to be sent now; empty: nothing.
    Bytes take_output() { return std::exchange(output_, {}); }
    State state() const { return state_; }
    /// Why it failed.
    const std::string& error() const { return error_; }
    /// How long the other side may take for its next answer; zero: for ever.
    virtual std::chrono::seconds patience() const = 0;

protected:
    void say(ByteSpan bytes) { output_.insert(output_.end(), bytes.begin(), bytes.end()); }
    void fail_with(std::string reason) {
        state_ = State::failed;
        error_ = std::move(reason);
    }
    void finish() { state_ = State::done; }

private:
    Bytes output_;
    State state_ = State::running;
    std::string error_;
};

}  // namespace cairn::net::detail
