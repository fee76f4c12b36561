#pragma once

#include <memory>
#include <optional>
#include <string>

#include "consensus/base/bytes.hpp"

namespace cairn::net {

/// One message taken off the wire, not yet decoded.
struct Frame {
    std::string command;
    Bytes payload;
    std::size_t wire_bytes = 0;  ///< all it cost on the wire, for bookkeeping
    bool rejected = false;       ///< counted, logged (see `problem`) and ignored; the connection stays
    std::string problem;
};

/// Bytes that go out for one message: `head` first, then `body`, which may be the unchanged payload.
struct OutgoingBytes {
    Bytes head;
    Bytes body;
    std::size_t size() const { return head.size() + body.size(); }
};

/// How messages become bytes on one connection and back. Reads no socket.
/// Limits: at most one incoming message is held.
/// Thread: net (a value with one owner).
class Transport {
public:
    virtual ~Transport() = default;

    /// Takes bytes until a message is complete and tells how many it took; call again with the rest after take_frame.
    virtual std::size_t on_bytes(ByteSpan bytes) = 0;
    /// Where the next bytes may be written instead of being copied by on_bytes: inside a large payload under way;
    /// empty when there is none.
    virtual MutableByteSpan direct_buffer() = 0;
    /// Tells that `count` bytes were written to the start of direct_buffer().
    virtual void on_direct(std::size_t count) = 0;
    /// What is still to come of the message under way; 0 between messages and while its length is not known.
    virtual std::size_t incoming_bytes() const = 0;
    /// The message that is complete, once.
    virtual std::optional<Frame> take_frame() = 0;
    /// Not empty when the peer does not speak this protocol: the connection must be closed.
    virtual const std::string& fatal() const = 0;

    /// Bytes that the protocol itself wants to send (its handshake); to be asked for after construction and after bytes came.
    virtual Bytes take_output() { return {}; }
    /// Messages may be framed. Until then they wait.
    virtual bool can_send() const { return true; }
    /// If the connection ends now, the other side may have ended it because it speaks v1 only.
    virtual bool may_be_v1() const { return false; }
    /// `command` has at most 12 characters; only when can_send().
    virtual OutgoingBytes frame(std::string_view command, Bytes payload) = 0;

    /// "v1", "v2", "detecting".
    virtual std::string_view name() const = 0;
    virtual std::string session_id() const { return {}; }
};

}  // namespace cairn::net
