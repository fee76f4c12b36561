// Asks a router that is made up here, on 127.0.0.1.
#include "net/io/detail/port_mapper.hpp"

#include <gtest/gtest.h>

namespace cairn::net::detail {
namespace {

namespace asio = boost::asio;
using udp = asio::ip::udp;

/// Answers datagrams as told, on the same io_context as the one who asks.
class FakeRouter {
public:
    FakeRouter(asio::io_context& io, std::function<Bytes(const Bytes&)> answer)
        : socket_(io, udp::endpoint(asio::ip::address_v4::loopback(), 0)), answer_(std::move(answer)) {
        receive();
    }
    std::uint16_t port() const { return socket_.local_endpoint().port(); }
    std::vector<Bytes> heard;

private:
    void receive() {
        socket_.async_receive_from(asio::buffer(buffer_), from_, [this](boost::system::error_code error, std::size_t size) {
            if (error) return;
            heard.emplace_back(buffer_.begin(), buffer_.begin() + static_cast<std::ptrdiff_t>(size));
            if (const Bytes out = answer_(heard.back()); !out.empty()) socket_.send_to(asio::buffer(out), from_);
            receive();
        });
    }
    udp::socket socket_;
    udp::endpoint from_;
    std::array<std::uint8_t, 2000> buffer_{};
    std::function<Bytes(const Bytes&)> answer_;
};

class PortMapperTest : public testing::Test {
protected:
    std::shared_ptr<PortMapper> make(std::uint16_t router_port) {
        PortMapper::Options options;
        options.port = 8333;
        options.gateway = [](NetworkId network) {
            return network == NetworkId::ipv4 ? std::optional(Gateway{*NetAddress::parse("127.0.0.1"), "lo"}) : std::nullopt;
        };
        options.addresses = [] { return std::vector<NetAddress>(); };
        options.server_port = router_port;
        options.patience = std::chrono::milliseconds(50);
        return std::make_shared<PortMapper>(io_, options, [this](const Endpoint& external) { mapped_.push_back(external.to_string()); });
    }
    template <class F>
    void run_until(F done) {
        for (int i = 0; i < 300 && !done(); ++i) {
            io_.restart();
            io_.run_one_for(std::chrono::milliseconds(20));
        }
    }
    asio::io_context io_{1};
    std::vector<std::string> mapped_;
};

TEST_F(PortMapperTest, MapsByPcpAfterALostDatagram) {
    int asked = 0;
    FakeRouter router(io_, [&](const Bytes& request) {
        if (++asked == 1) return Bytes();
        Bytes answer = request;
        answer[1] |= 0x80;
        answer[3] = 0;
        const auto external = NetAddress::ipv4(0x01020304).v1_bytes();
        std::copy(external.begin(), external.end(), answer.begin() + 44);
        return answer;
    });
    const auto mapper = make(router.port());
    mapper->start();
    run_until([&] { return !mapped_.empty(); });
    EXPECT_EQ(mapped_, std::vector<std::string>{"1.2.3.4:8333"});
    ASSERT_EQ(router.heard.size(), 2u);
    EXPECT_EQ(router.heard[0], router.heard[1]);
    EXPECT_EQ(Bytes(router.heard[0].begin() + 18, router.heard[0].begin() + 24), (Bytes{0xff, 0xff, 127, 0, 0, 1})) << "our side of the socket";
    mapper->stop();
}

TEST_F(PortMapperTest, SpeaksNatPmpWithOldRouters) {
    FakeRouter router(io_, [](const Bytes& request) {
        if (request[0] == 2) return Bytes{0, 0x81, 0, 1, 0, 0, 0, 0};
        if (request.size() == 2) return Bytes{0, 0x80, 0, 0, 0, 0, 0, 1, 5, 6, 7, 8};
        return Bytes{0, 0x82, 0, 0, 0, 0, 0, 1, request[4], request[5], 0x11, 0x22, 0, 0, 0, 60};
    });
    const auto mapper = make(router.port());
    mapper->start();
    run_until([&] { return !mapped_.empty(); });
    EXPECT_EQ(mapped_, std::vector<std::string>{"5.6.7.8:4386"});
    mapper->stop();
}

TEST_F(PortMapperTest, GivesUpOnASilentRouterAndEndsWhenStopped) {
    FakeRouter router(io_, [](const Bytes&) { return Bytes(); });
    const auto mapper = make(router.port());
    mapper->start();
    run_until([i = 0]() mutable { return ++i > 20; });
    EXPECT_EQ(router.heard.size(), 3u);
    EXPECT_TRUE(mapped_.empty());
    mapper->stop();
    io_.restart();
    io_.poll();
    EXPECT_EQ(mapper.use_count(), 1) << "nothing else keeps it alive";
}

TEST_F(PortMapperTest, LivesWithNobodyThere) {
    std::uint16_t free_port = 0;
    {
        udp::socket probe(io_, udp::endpoint(asio::ip::address_v4::loopback(), 0));
        free_port = probe.local_endpoint().port();
    }
    const auto mapper = make(free_port);
    mapper->start();
    run_until([i = 0]() mutable { return ++i > 20; });
    EXPECT_TRUE(mapped_.empty());
    mapper->stop();
}

}  // namespace
}  // namespace cairn::net::detail
