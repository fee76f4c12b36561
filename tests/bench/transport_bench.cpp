// Rooms: net/wire
// What one core carries of the encrypted transport: framing a message and taking it off the wire again.
#include <benchmark/benchmark.h>

#include "consensus/crypto/random.hpp"
#include "net/wire/transport_v1.hpp"
#include "net/wire/transport_v2.hpp"

namespace cairn::net {
namespace {

constexpr std::array<std::uint8_t, 4> kMagic{1, 2, 3, 4};
constexpr std::size_t kRead = 256 * 1024;  // bytes that a socket gives at a time

Bytes random_bytes(std::size_t size) {
    FastRandom random(1);
    Bytes bytes(size);
    random.fill(bytes);
    return bytes;
}

/// Carries what both transports want to say until there is no more.
void shake_hands(TransportV2& a, TransportV2& b) {
    for (bool moved = true; moved;) {
        moved = false;
        for (auto [from, to] : {std::pair(&a, &b), std::pair(&b, &a)}) {
            const Bytes said = from->take_output();
            for (std::size_t at = 0; at < said.size();) at += to->on_bytes(ByteSpan(said).subspan(at));
            moved |= !said.empty();
        }
    }
}

/// As the shell gives bytes to the transport: a large message straight into its buffer, a socket's read at a time.
Frame receive(Transport& transport, const OutgoingBytes& bytes) {
    for (const Bytes* part : {&bytes.head, &bytes.body}) {
        for (std::size_t at = 0; at < part->size();) {
            const ByteSpan rest = ByteSpan(*part).subspan(at);
            const MutableByteSpan direct = transport.direct_buffer();
            if (direct.size() > 1024) {
                const std::size_t count = std::min(direct.size(), rest.size());
                std::copy_n(rest.begin(), count, direct.begin());
                transport.on_direct(count);
                at += count;
            } else {
                at += transport.on_bytes(rest.first(std::min({rest.size(), kRead, std::size_t{64}})));
            }
        }
    }
    return *transport.take_frame();
}

/// As blocks come from the store: with room behind them.
Bytes with_room(const Bytes& bytes) {
    Bytes copy;
    copy.reserve(bytes.size() + 32);
    copy.assign(bytes.begin(), bytes.end());
    return copy;
}

void send_and_receive(benchmark::State& state, Transport& from, Transport& to, const Bytes& payload) {
    for (auto _ : state) benchmark::DoNotOptimize(receive(to, from.frame("block", with_room(payload))));
    state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(payload.size()));
}

void v1(benchmark::State& state) {
    TransportV1 from(kMagic), to(kMagic);
    send_and_receive(state, from, to, random_bytes(static_cast<std::size_t>(state.range(0))));
}
BENCHMARK(v1)->Arg(64)->Arg(1000)->Arg(100'000)->Arg(1'000'000)->Arg(3'900'000);

void v2(benchmark::State& state) {
    TransportV2 from(kMagic, TransportV2::Side::initiator), to(kMagic, TransportV2::Side::responder);
    shake_hands(from, to);
    send_and_receive(state, from, to, random_bytes(static_cast<std::size_t>(state.range(0))));
}
BENCHMARK(v2)->Arg(64)->Arg(1000)->Arg(100'000)->Arg(1'000'000)->Arg(3'900'000);

void v2_send(benchmark::State& state) {
    TransportV2 from(kMagic, TransportV2::Side::initiator), to(kMagic, TransportV2::Side::responder);
    shake_hands(from, to);
    const Bytes payload = random_bytes(static_cast<std::size_t>(state.range(0)));
    for (auto _ : state) benchmark::DoNotOptimize(from.frame("block", with_room(payload)));
    state.SetBytesProcessed(state.iterations() * state.range(0));
}
BENCHMARK(v2_send)->Arg(64)->Arg(1'000'000)->Arg(3'900'000);

}  // namespace
}  // namespace cairn::net
