// Takes blocks from a node as fast as it gives them and does nothing with them but what the transport asks for.
//     blockdrain PORT v1|v2 NETWORK_MAGIC SECONDS < hashes of blocks, one a line, as RPC shows them
// Prints a name and a value a line: seconds, bytes (of messages with blocks), blocks, cpu (its own, in seconds).
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <iostream>
#include <memory>

#include "consensus/base/hex.hpp"
#include "net/wire/codec.hpp"
#include "net/wire/transport_v1.hpp"
#include "net/wire/transport_v2.hpp"

namespace {

using namespace cairn;       // NOLINT: a program
using namespace cairn::net;  // NOLINT

constexpr std::size_t kAsk = 16, kUnderWay = 64;

[[noreturn]] void die(const char* why) {
    std::fprintf(stderr, "%s\n", why);
    std::exit(1);
}

class Drain {
public:
    Drain(std::uint16_t port, std::unique_ptr<Transport> transport) : transport_(std::move(transport)), buffer_(256 * 1024) {
        socket_ = ::socket(AF_INET, SOCK_STREAM, 0);
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_port = htons(port);
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        if (::connect(socket_, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) die("cannot connect");
        const int on = 1;
        ::setsockopt(socket_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        write(transport_->take_output());
    }

    void send(Message message) {
        const std::string command(command_of(message));
        OutgoingBytes out = transport_->frame(command, encode_message(std::move(message)));
        write(out.head);
        write(out.body);
    }
    bool can_send() const { return transport_->can_send(); }

    /// The next message, after what the transport itself has to say.
    Frame next() {
        while (true) {
            if (auto frame = transport_->take_frame()) return std::move(*frame);
            if (at_ < have_) {
                at_ += transport_->on_bytes(ByteSpan(buffer_).subspan(at_, have_ - at_));
            } else if (const MutableByteSpan direct = transport_->direct_buffer(); !direct.empty()) {
                transport_->on_direct(read(direct));
            } else {
                at_ = 0;
                have_ = read(buffer_);
            }
            if (const Bytes output = transport_->take_output(); !output.empty()) write(output);
            if (!transport_->fatal().empty()) die(transport_->fatal().c_str());
            if (!greeted_ && can_send()) return {};
        }
    }
    void greet() {
        greeted_ = true;
        VersionMessage version;
        version.services = 9;
        version.nonce = 42;
        version.user_agent = "/drain/";
        send(version);
    }

private:
    std::size_t read(MutableByteSpan room) {
        const ssize_t count = ::read(socket_, room.data(), room.size());
        if (count <= 0) die("the node has hung up");
        return static_cast<std::size_t>(count);
    }
    void write(ByteSpan bytes) {
        while (!bytes.empty()) {
            const ssize_t count = ::write(socket_, bytes.data(), bytes.size());
            if (count <= 0) die("cannot write");
            bytes = bytes.subspan(static_cast<std::size_t>(count));
        }
    }

    std::unique_ptr<Transport> transport_;
    Bytes buffer_;
    std::size_t at_ = 0, have_ = 0;
    int socket_ = -1;
    bool greeted_ = false;
};

}  // namespace

int main(int argc, char** argv) {
    if (argc != 5) die("usage: blockdrain PORT v1|v2 MAGIC SECONDS < hashes");
    std::array<std::uint8_t, 4> magic{};
    const auto magic_bytes = from_hex(argv[3]);
    if (!magic_bytes || magic_bytes->size() != 4) die("the magic is 8 hex digits");
    std::copy(magic_bytes->begin(), magic_bytes->end(), magic.begin());
    std::vector<InvItem> items;
    for (std::string line; std::getline(std::cin, line);) items.push_back({kInvWitnessBlock, Uint256::from_display_hex(line).value()});
    if (items.empty()) die("no hashes");
    std::unique_ptr<Transport> transport;
    if (std::string_view(argv[2]) == "v2") transport = std::make_unique<TransportV2>(magic, TransportV2::Side::initiator);
    else transport = std::make_unique<TransportV1>(magic);
    Drain drain(static_cast<std::uint16_t>(std::atoi(argv[1])), std::move(transport));
    if (!drain.can_send()) drain.next();
    drain.greet();
    while (drain.next().command != "verack") {
    }
    drain.send(VerackMessage{});

    const auto began = std::chrono::steady_clock::now();
    const double limit_s = std::atof(argv[4]);
    double seconds = 0;
    std::size_t asked = 0, blocks = 0, bytes = 0, at = 0;
    while (seconds < limit_s || blocks < asked) {
        while (seconds < limit_s && asked - blocks + kAsk <= kUnderWay) {
            GetDataMessage request;
            for (std::size_t i = 0; i < kAsk; ++i) request.items.push_back(items[at++ % items.size()]);
            asked += kAsk;
            drain.send(std::move(request));
        }
        const Frame frame = drain.next();
        if (frame.command == "ping") drain.send(PongMessage{Reader(frame.payload).u64()});
        if (frame.command != "block") continue;
        ++blocks;
        bytes += frame.wire_bytes;
        seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - began).count();
    }
    rusage used{};
    ::getrusage(RUSAGE_SELF, &used);
    const auto total = [](const timeval& time) { return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6; };
    std::printf("seconds %.3f\nbytes %zu\nblocks %zu\ncpu %.3f\n", seconds, bytes, blocks, total(used.ru_utime) + total(used.ru_stime));
    return 0;
}
