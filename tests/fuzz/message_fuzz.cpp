// Rooms: net/wire
//
// Feeds arbitrary bytes to the decoder of every message and, as a stream, to the framing. What decodes is encoded and
// decoded again.

#include <algorithm>

#include "consensus/base/check.hpp"
#include "net/wire/codec.hpp"
#include "net/wire/transport_v1.hpp"
#include "tests/support/sample_messages.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace cairn;
    if (size == 0) return 0;
    static const auto samples = test::sample_messages();
    const ByteSpan rest(data + 1, size - 1);
    const std::string_view command = net::command_of(samples[data[0] % samples.size()]);
    if (const auto message = net::decode_message(command, to_bytes(rest))) {
        const auto* headers = std::get_if<net::HeadersMessage>(&*message);
        if (!headers || (!headers->malformed && headers->headers.size() == headers->count))
            CAIRN_CHECK(net::decode_message(command, net::encode_message(*message)).has_value());
    }
    net::TransportV1 transport({0xfa, 0xbf, 0xb5, 0xda});
    ByteSpan stream(data, size);
    while (!stream.empty() && transport.fatal().empty()) {
        stream = stream.subspan(transport.on_bytes(stream.first(std::min<std::size_t>(stream.size(), 1 + data[0]))));
        while (transport.take_frame()) {}
    }
    return 0;
}
