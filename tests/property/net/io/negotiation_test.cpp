// Whatever a proxy, a bridge, Tor or a router sends, in whatever pieces: the conversation ends the same way and is bounded.
#include <gtest/gtest.h>

#include <random>

#include "net/io/detail/port_map.hpp"
#include "net/io/detail/sam.hpp"
#include "net/io/detail/socks5.hpp"
#include "net/io/detail/tor_control.hpp"

namespace cairn::net::detail {
namespace {

constexpr int kRounds = 4000;

using Make = std::function<std::unique_ptr<Negotiation>()>;

std::unique_ptr<Negotiation> tor() {
    TorControl::Options options;
    options.nonce = Bytes(32, 1);
    options.log = [](auto, const auto&) {};
    options.read_cookie = [](const auto&) { return Bytes(32, 2); };
    options.on_socks = [](const Endpoint&) {};
    options.on_service = [](const std::string&, const std::string&) {};
    return std::make_unique<TorControl>(std::move(options));
}

struct Subject {
    const char* name;
    Make make;
    std::vector<std::string> words;  ///< of which answers are made
};

const std::vector<Subject>& subjects() {
    const std::string key = to_i2p_base64([] {
        Bytes bytes(391 + 32, 7);
        bytes[385] = 0;
        bytes[386] = 4;
        return bytes;
    }());
    static const std::vector<Subject> all{
        {"socks", [] { return std::make_unique<Socks5>("host", 8333, Socks5::Credentials{"a", "b"}); },
         {std::string("\5\0", 2), "\5\2", std::string("\1\0", 2), std::string("\5\0\0\1", 4), std::string("\5\0\0\3\4host", 9), std::string("\5\0\0\4", 4),
          std::string(16, 'x'), "\5\5"}},
        {"session", [] { return std::make_unique<SamSession>(SamSession::Options{}); },
         {"HELLO REPLY RESULT=OK", "\n", " ", "DEST REPLY PRIV=" + key + "\n", "SESSION STATUS RESULT=OK DESTINATION=x", "RESULT=OK\n", "=", "RESULT"}},
        {"connect", [] { return std::make_unique<SamConnect>("id", "host"); },
         {"HELLO REPLY RESULT=OK\n", "NAMING REPLY RESULT=OK VALUE=v\n", "STREAM STATUS RESULT=OK\n", "RESULT=INVALID_ID\n", "\n", "=", " "}},
        {"accept", [] { return std::make_unique<SamAccept>("id"); },
         {"HELLO REPLY RESULT=OK\n", "STREAM STATUS RESULT=OK\n", key + " FROM_PORT=0\n", "RESULT=I2P_ERROR\n", "\n", "AAAA", " "}},
        {"tor", tor,
         {"250-AUTH METHODS=NULL\r\n", "250-AUTH METHODS=SAFECOOKIE COOKIEFILE=\"/a\\\"\\101\"\r\n", "250 OK\r\n", "512 x\r\n", "250 AUTHCHALLENGE SERVERHASH=00",
          " SERVERNONCE=00\r\n", "250-ServiceID=abc\r\n", "\r\n", "\"", "\\", "=", "650 x\r\n", "250-net/listeners/socks=\"127.0.0.1:1\"\r\n"}}};
    return all;
}

Bytes answer(const Subject& subject, std::mt19937_64& random) {
    Bytes bytes;
    for (std::uint64_t n = random() % 12; n > 0; --n) {
        const std::string& word = subject.words[random() % subject.words.size()];
        bytes.insert(bytes.end(), word.begin(), word.end());
    }
    for (std::uint64_t n = random() % 4; n > 0 && !bytes.empty(); --n) bytes[random() % bytes.size()] = static_cast<std::uint8_t>(random());
    return bytes;
}

struct Ending {
    Negotiation::State state;
    std::string error;
    Bytes said;
    std::size_t taken = 0;
    bool operator==(const Ending&) const = default;
};

/// `piece`: how many bytes come at once; 0: all.
Ending talk(const Subject& subject, ByteSpan bytes, std::size_t piece) {
    const auto talk = subject.make();
    Ending end{};
    const auto hear_out = [&] {
        const Bytes more = talk->take_output();
        end.said.insert(end.said.end(), more.begin(), more.end());
    };
    hear_out();
    while (end.taken < bytes.size() && talk->state() == Negotiation::State::running) {
        const std::size_t count = piece == 0 ? bytes.size() - end.taken : std::min(piece, bytes.size() - end.taken);
        const std::size_t taken = talk->on_bytes(bytes.subspan(end.taken, count));
        end.taken += taken;
        hear_out();
        if (taken < count) break;
    }
    end.state = talk->state();
    end.error = talk->error();
    return end;
}

TEST(NegotiationProperty, EndsTheSameInWhateverPiecesAnswersCome) {
    for (const Subject& subject : subjects()) {
        int done = 0, failed = 0;
        for (int round = 0; round < kRounds; ++round) {
            std::mt19937_64 random(static_cast<std::uint64_t>(round));
            const Bytes bytes = answer(subject, random);
            Ending whole = talk(subject, bytes, 0);
            for (const std::size_t piece : {std::size_t{1}, 1 + static_cast<std::size_t>(random() % 50)}) {
                Ending split = talk(subject, bytes, piece);
                if (whole.state == Negotiation::State::failed) whole.taken = split.taken = 0;  // nobody goes on with the rest
                ASSERT_EQ(whole, split) << subject.name << ", round " << round << ", pieces of " << piece;
            }
            done += whole.state == Negotiation::State::done ? 1 : 0;
            failed += whole.state == Negotiation::State::failed ? 1 : 0;
        }
        std::printf("%s: %d done, %d failed of %d\n", subject.name, done, failed, kRounds);
    }
}

TEST(PortMapProperty, LivesWithWhateverTheRouterSends) {
    int mapped = 0;
    for (int round = 0; round < 20 * kRounds; ++round) {
        std::mt19937_64 random(static_cast<std::uint64_t>(round));
        PortMapRequest::Options options;
        options.nonce.fill(static_cast<std::uint8_t>(round));
        options.internal = NetAddress::ipv4(0x0a000001);
        options.suggested = NetAddress::ipv4(0);
        options.port = 8333;
        PortMapRequest request(options, [](auto, const auto&) {});
        for (int step = 0; step < 5 && request.state() == PortMapRequest::State::running; ++step) {
            Bytes datagram = request.datagram();
            datagram.resize(std::max<std::size_t>(datagram.size(), random() % 2 == 0 ? 16 : 12));
            datagram[1] |= 0x80;
            bool granted = true;
            if (random() % 3 == 0) {
                datagram = Bytes{0, 0x81, 0, 1, 0, 0, 0, 0};
                granted = false;
            } else if (random() % 2 == 0) {
                for (int n = 0; n < 3; ++n) datagram[random() % datagram.size()] ^= static_cast<std::uint8_t>(1 + random() % 255);
                granted = false;
            } else if (datagram[0] == 0 && datagram[1] == 0x82) {
                std::copy(datagram.begin() + 4, datagram.begin() + 6, datagram.begin() + 8);  // our port, where answers have it
                std::fill(datagram.begin() + 2, datagram.begin() + 4, std::uint8_t{0});
            }
            request.on_datagram(datagram);
            if (request.state() == PortMapRequest::State::mapped && granted) ++mapped;
            EXPECT_LE(request.datagram().size(), PortMapRequest::kMaxDatagram);
        }
        if (request.state() == PortMapRequest::State::mapped) {
            EXPECT_EQ(request.mapping().internal.port, 8333);
        }
    }
    EXPECT_GT(mapped, 1000);
}

}  // namespace
}  // namespace cairn::net::detail
