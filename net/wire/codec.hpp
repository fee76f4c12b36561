#pragma once

#include "consensus/base/result.hpp"
#include "net/wire/messages.hpp"

namespace cairn::net {

/// Why a payload is not the message that its command promised.
struct MessageError {
    DecodeError code = DecodeError::none;
    std::string text;
};

/// The command that goes with a message, at most 12 characters.
std::string_view command_of(const Message& message);
/// The same for bookkeeping: commands that the protocol does not know count as "*other*".
std::string_view accounting_name(std::string_view command);

/// Reads one payload. Unknown commands give UnknownMessage; bytes after the end of a known message are ignored, as
/// newer versions may add fields.
/// Cost: blocks and transactions are moved, not copied or looked into.
Result<Message, MessageError> decode_message(std::string_view command, Bytes payload);

/// The payload of a message. Cost: blocks and transactions are moved.
Bytes encode_message(Message message);

}  // namespace cairn::net
