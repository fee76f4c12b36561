#include "net/io/detail/port_map.hpp"

#include <gtest/gtest.h>

#include "net/io/detail/interfaces.hpp"

namespace cairn::net::detail {
namespace {

using State = PortMapRequest::State;

PortMapRequest::Options wish() {
    PortMapRequest::Options options;
    options.nonce.fill(0x42);
    options.internal = NetAddress::ipv4(0xc0a80105);
    options.suggested = NetAddress::ipv4(0);
    options.port = 8333;
    options.lifetime_s = 2400;
    return options;
}
PortMapRequest make(PortMapRequest::Options options = wish()) { return {std::move(options), [](auto, const auto&) {}}; }

/// What a router of PCP gives: our own request, turned around.
Bytes pcp_answer(const PortMapRequest& request, std::uint8_t code = 0) {
    Bytes answer = request.datagram();
    answer[1] |= 0x80;
    answer[3] = code;
    answer[7] = 120;  // instead of 2400 seconds
    answer[6] = 0;
    answer[24 + 18] = 0x11;
    answer[24 + 19] = 0x22;
    const auto external = NetAddress::ipv4(0x01020304).v1_bytes();
    std::copy(external.begin(), external.end(), answer.begin() + 44);
    return answer;
}
const Bytes kOldRouter{0, 0x81, 0, 1, 0, 0, 0, 0};

TEST(PortMapRequest, AsksByPcp) {
    PortMapRequest request = make();
    const Bytes& out = request.datagram();
    ASSERT_EQ(out.size(), 60u);
    EXPECT_EQ(Bytes(out.begin(), out.begin() + 8), (Bytes{2, 1, 0, 0, 0, 0, 9, 0x60}));
    EXPECT_EQ(Bytes(out.begin() + 18, out.begin() + 24), (Bytes{0xff, 0xff, 192, 168, 1, 5}));
    EXPECT_EQ(Bytes(out.begin() + 36, out.begin() + 44), (Bytes{6, 0, 0, 0, 0x20, 0x8d, 0x20, 0x8d}));
    EXPECT_FALSE(request.on_datagram(pcp_answer(request)));
    ASSERT_EQ(request.state(), State::mapped);
    EXPECT_EQ(request.mapping().to_string(), "pcp:1.2.3.4:4386 -> 192.168.1.5:8333 (for 120s)");
}

TEST(PortMapRequest, MapsIpv6AddressesAsTheyAre) {
    auto options = wish();
    options.internal = options.suggested = *NetAddress::parse("2600::5");
    PortMapRequest request = make(options);
    Bytes answer = request.datagram();
    answer[1] = 0x81;
    request.on_datagram(answer);
    EXPECT_EQ(request.mapping().external.to_string(), "[2600::5]:8333");
    PortMapRequest old = make(options);
    EXPECT_FALSE(old.on_datagram(kOldRouter)) << "NAT-PMP knows no IPv6";
    EXPECT_EQ(old.state(), State::failed);
}

TEST(PortMapRequest, FallsBackToNatPmp) {
    PortMapRequest request = make();
    EXPECT_TRUE(request.on_datagram(kOldRouter));
    EXPECT_EQ(request.datagram(), (Bytes{0, 0}));
    EXPECT_TRUE(request.on_datagram(Bytes{0, 0x80, 0, 0, 0, 0, 0, 1, 5, 6, 7, 8}));
    EXPECT_EQ(request.datagram(), (Bytes{0, 2, 0, 0, 0x20, 0x8d, 0x20, 0x8d, 0, 0, 9, 0x60}));
    request.on_datagram(Bytes{0, 0x82, 0, 0, 0, 0, 0, 1, 0x20, 0x8d, 0x11, 0x22, 0, 0, 0, 60});
    ASSERT_EQ(request.state(), State::mapped);
    EXPECT_EQ(request.mapping().to_string(), "natpmp:5.6.7.8:4386 -> 192.168.1.5:8333 (for 60s)");
}

TEST(PortMapRequest, PassesOverWhatIsNotItsAnswer) {
    PortMapRequest request = make();
    const Bytes good = pcp_answer(request);
    for (std::size_t size = 0; size < good.size(); ++size) request.on_datagram(ByteSpan(good).first(size));
    for (const std::size_t at : {0, 1, 24, 35, 36, 40, 41}) {
        Bytes bad = good;
        bad[at] ^= 1;
        request.on_datagram(bad);
        EXPECT_EQ(request.state(), State::running) << at;
    }
    request.on_datagram(good);
    EXPECT_EQ(request.state(), State::mapped);
    EXPECT_FALSE(request.on_datagram(good)) << "once";

    PortMapRequest old = make();
    old.on_datagram(kOldRouter);
    for (const Bytes& bad : {Bytes{}, Bytes{0, 0x80}, Bytes(12, 1), kOldRouter}) EXPECT_FALSE(old.on_datagram(bad));
    old.on_datagram(Bytes{0, 0x80, 0, 0, 0, 0, 0, 1, 5, 6, 7, 8});
    for (const Bytes& bad : {Bytes{}, Bytes(16, 1), Bytes{0, 0x82, 0, 0, 0, 0, 0, 1, 0x20, 0x8e, 0x11, 0x22, 0, 0, 0, 60}}) EXPECT_FALSE(old.on_datagram(bad));
    EXPECT_EQ(old.state(), State::running);
}

TEST(PortMapRequest, EndsOnRefusals) {
    for (const std::uint8_t code : {2, 3, 8, 99}) {
        PortMapRequest request = make();
        request.on_datagram(pcp_answer(request, code));
        EXPECT_EQ(request.state(), State::failed);
        EXPECT_EQ(request.no_resources(), code == 8);
    }
    PortMapRequest no_address = make();
    no_address.on_datagram(kOldRouter);
    no_address.on_datagram(Bytes{0, 0x80, 0, 3, 0, 0, 0, 1, 0, 0, 0, 0});
    EXPECT_EQ(no_address.state(), State::failed);
    PortMapRequest full = make();
    full.on_datagram(kOldRouter);
    full.on_datagram(Bytes{0, 0x80, 0, 0, 0, 0, 0, 1, 5, 6, 7, 8});
    full.on_datagram(Bytes{0, 0x82, 0, 4, 0, 0, 0, 1, 0x20, 0x8d, 0, 0, 0, 0, 0, 0});
    EXPECT_TRUE(full.no_resources());
}

TEST(PortMapRequest, AsksThreeTimes) {
    PortMapRequest request = make();
    EXPECT_TRUE(request.on_timeout());
    EXPECT_TRUE(request.on_timeout());
    EXPECT_FALSE(request.on_timeout());
    EXPECT_EQ(request.state(), State::failed);
    EXPECT_FALSE(request.on_timeout());
}

TEST(Gateway, IsTheDefaultRouteOfTheTable) {
    const auto v4 = parse_gateway_v4("Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT\n"
                                     "eth0\t0000A8C0\t00000000\t0001\t0\t0\t0\t00FFFFFF\t0\t0\t0\n"
                                     "eth0\t00000000\t0101A8C0\t0003\t0\t0\t0\t00000000\t0\t0\t0\n");
    ASSERT_TRUE(v4);
    EXPECT_EQ(v4->address.to_string(), "192.168.1.1");
    EXPECT_EQ(v4->interface, "eth0");
    const auto v6 = parse_gateway_v6(
        "fe800000000000000000000000000000 40 00000000000000000000000000000000 00 00000000000000000000000000000000 00000100 00000001 00000000 00000001 eth0\n"
        "00000000000000000000000000000000 00 00000000000000000000000000000000 00 00000000000000000000000000000000 ffffffff 00000001 00000000 00200200 lo\n"
        "00000000000000000000000000000000 00 00000000000000000000000000000000 00 fe800000000000000000000000000001 00000400 00000001 00000000 00000003 eth0\n");
    ASSERT_TRUE(v6);
    EXPECT_EQ(v6->address.to_string(), "fe80::1");
    for (const char* broken : {"", "a b c", "eth0 0 0 0 0 0 0", "eth0 zz zz zz 0 0 0 zz 0", "\n\n\n"}) {
        EXPECT_FALSE(parse_gateway_v4(broken));
        EXPECT_FALSE(parse_gateway_v6(broken));
    }
}

}  // namespace
}  // namespace cairn::net::detail
