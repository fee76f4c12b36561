#include "net/io/detail/socks5.hpp"

#include <gtest/gtest.h>

namespace cairn::net::detail {
namespace {

using State = Negotiation::State;

Bytes text(std::string_view value) { return to_bytes(as_bytes(value)); }

/// A conversation that got as far as the request.
Socks5 asked(std::string host = "example.org") {
    Socks5 socks(std::move(host), 8333, std::nullopt);
    socks.take_output();
    socks.on_bytes(Bytes{5, 0});
    socks.take_output();
    return socks;
}

TEST(Socks5, AsksByNameWithoutCredentials) {
    Socks5 socks("1.2.3.4", 8333, std::nullopt);
    EXPECT_EQ(socks.take_output(), (Bytes{5, 1, 0}));
    EXPECT_EQ(socks.on_bytes(Bytes{5, 0}), 2u);
    Bytes expected{5, 1, 0, 3, 7};
    for (const char c : std::string("1.2.3.4")) expected.push_back(static_cast<std::uint8_t>(c));
    expected.insert(expected.end(), {0x20, 0x8d});
    EXPECT_EQ(socks.take_output(), expected);
    EXPECT_EQ(socks.on_bytes(Bytes{5, 0, 0, 1, 127, 0, 0, 1, 0, 80}), 10u);
    EXPECT_EQ(socks.state(), State::done);
}

TEST(Socks5, ShowsCredentialsWhenAskedFor) {
    Socks5 socks("a", 1, Socks5::Credentials{"user", "secret"});
    EXPECT_EQ(socks.take_output(), (Bytes{5, 2, 0, 2}));
    socks.on_bytes(Bytes{5, 2});
    EXPECT_EQ(socks.take_output(), text(std::string_view("\x01\x04user\x06secret", 13)));
    socks.on_bytes(Bytes{1, 0});
    EXPECT_EQ(socks.take_output(), (Bytes{5, 1, 0, 3, 1, 'a', 0, 1}));
    EXPECT_EQ(socks.state(), State::running);
}

TEST(Socks5, KeepsCredentialsToItselfWhenTheProxyWantsNone) {
    Socks5 socks("a", 1, Socks5::Credentials{"user", "secret"});
    socks.take_output();
    socks.on_bytes(Bytes{5, 0});
    EXPECT_EQ(socks.take_output(), (Bytes{5, 1, 0, 3, 1, 'a', 0, 1}));
}

TEST(Socks5, TakesAnswersByteByByteAndLeavesThePeersBytes) {
    for (const Bytes& answer : {Bytes{5, 0, 0, 1, 1, 2, 3, 4, 5, 6}, Bytes{5, 0, 0, 3, 2, 'h', 'i', 0, 1},
                                Bytes{5, 0, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0}, Bytes{5, 0, 0, 3, 0, 0, 1}}) {
        Socks5 split = asked();
        for (std::size_t i = 0; i < answer.size(); ++i) {
            EXPECT_EQ(split.state(), State::running) << i;
            EXPECT_EQ(split.on_bytes(ByteSpan(answer).subspan(i, 1)), 1u);
        }
        EXPECT_EQ(split.state(), State::done);
        Socks5 whole = asked();
        Bytes more = answer;
        more.insert(more.end(), {9, 9, 9});
        EXPECT_EQ(whole.on_bytes(more), answer.size());
        EXPECT_EQ(whole.state(), State::done);
    }
}

TEST(Socks5, TellsTheTargetsFaultFromTheProxys) {
    struct Case { std::uint8_t answer; const char* words; };
    for (const Case& c : {Case{1, "general failure"}, {2, "connection not allowed"}, {3, "network unreachable"}, {4, "host unreachable"},
                          {5, "connection refused"}, {6, "TTL expired"}, {7, "protocol error"}, {8, "address type not supported"},
                          {0xf0, "onion service descriptor can not be found"}, {0xf7, "onion service introduction timed out"}, {0x42, "unknown (0x42)"}}) {
        Socks5 socks = asked();
        socks.on_bytes(Bytes{5, c.answer, 0, 1});
        EXPECT_EQ(socks.state(), State::failed);
        EXPECT_TRUE(socks.target_unreachable());
        EXPECT_EQ(socks.error(), std::string("Socks5() connect to example.org:8333 failed: ") + c.words);
    }
}

TEST(Socks5, RefusesWhatIsNotSocks5) {
    struct Case { std::vector<Bytes> answers; const char* words; };
    const std::vector<Case> cases{{{{4, 0}}, "Proxy failed to initialize"},
                                  {{{5, 2}}, "Proxy requested wrong authentication method 02"},
                                  {{{5, 0xff}}, "Proxy requested wrong authentication method ff"},
                                  {{{5, 0}, {4, 0, 0, 1}}, "Proxy failed to accept request"},
                                  {{{5, 0}, {5, 0, 1, 1}}, "Error: malformed proxy response"},
                                  {{{5, 0}, {5, 0, 0, 2}}, "Error: malformed proxy response"}};
    for (const Case& c : cases) {
        Socks5 socks("h", 1, std::nullopt);
        for (const Bytes& answer : c.answers) socks.on_bytes(answer);
        EXPECT_EQ(socks.state(), State::failed);
        EXPECT_FALSE(socks.target_unreachable());
        EXPECT_EQ(socks.error(), c.words);
    }
    Socks5 socks("h", 1, Socks5::Credentials{"a", "b"});
    socks.on_bytes(Bytes{5, 2, 1, 1});
    EXPECT_EQ(socks.error(), "Proxy authentication unsuccessful");
}

TEST(Socks5, RefusesNamesThatDoNotFit) {
    EXPECT_EQ(Socks5(std::string(256, 'a'), 1, std::nullopt).error(), "Hostname too long");
    EXPECT_EQ(Socks5(std::string(255, 'a'), 1, std::nullopt).state(), State::running);
    EXPECT_EQ(Socks5("a", 1, Socks5::Credentials{std::string(256, 'a'), ""}).error(), "Proxy username or password too long");
}

TEST(Socks5, GivesUpWhenTheProxyFallsSilent) {
    Socks5 socks("h", 1, std::nullopt);
    socks.on_silence(true);
    EXPECT_EQ(socks.error(), "Socks5() connect to h:1 failed: InterruptibleRecv() timeout or other failure");
    Socks5 waiting = asked();
    waiting.on_silence(false);
    EXPECT_TRUE(waiting.target_unreachable()) << "this is how Tor shows an unreachable target";
    Socks5 cut = asked();
    cut.on_bytes(Bytes{5, 0, 0, 1, 1});
    cut.on_silence(true);
    EXPECT_EQ(cut.error(), "Error reading from proxy");
}

}  // namespace
}  // namespace cairn::net::detail
