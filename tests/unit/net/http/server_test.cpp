#include "net/http/server.hpp"

#include <arpa/inet.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <thread>

#include <gtest/gtest.h>

#include "net/http/client.hpp"

namespace cairn::http {
namespace {

using namespace std::chrono_literals;

HttpServer::Options options() {
    HttpServer::Options result;
    result.binds = {{"127.0.0.1", 0}};
    result.threads = 2;
    return result;
}

HttpResponse echo(const HttpRequest& request) {
    HttpResponse response;
    response.body = request.method + " " + request.target + " " + request.body;
    return response;
}

/// Bytes over a plain socket: for what a decent client would never send.
class RawClient {
public:
    explicit RawClient(std::uint16_t port) : socket_(socket(AF_INET, SOCK_STREAM, 0)) {
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_port = htons(port);
        inet_pton(AF_INET, "127.0.0.1", &address.sin_addr);
        EXPECT_EQ(connect(socket_, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
    }
    ~RawClient() { close(socket_); }
    void send(const std::string& text) { EXPECT_EQ(::send(socket_, text.data(), text.size(), MSG_NOSIGNAL), static_cast<ssize_t>(text.size())); }
    /// Everything up to the end of the stream.
    std::string read_all() {
        std::string out;
        char buffer[4096];
        for (ssize_t n; (n = recv(socket_, buffer, sizeof buffer, 0)) > 0;) out.append(buffer, static_cast<std::size_t>(n));
        return out;
    }
    std::string read_some() {
        char buffer[4096];
        const ssize_t n = recv(socket_, buffer, sizeof buffer, 0);
        return n > 0 ? std::string(buffer, static_cast<std::size_t>(n)) : std::string();
    }

private:
    int socket_;
};

class ServerTest : public ::testing::Test {
protected:
    void start(HttpServer::Options chosen = options()) {
        server = std::make_unique<HttpServer>(std::move(chosen));
        server->add_route("/", true, echo);
        server->add_route("/wallet/", false, echo);
        server->add_route("/slow", true, [this](const HttpRequest&) {
            ++running;
            while (!release) std::this_thread::sleep_for(1ms);
            return HttpResponse{};
        });
        server->add_route("/throw", true, [](const HttpRequest&) -> HttpResponse { throw std::runtime_error("oops"); });
        ASSERT_TRUE(server->bind());
        server->start();
        port = server->ports().at(0);
    }
    int status(const std::string& target, std::string body = "") {
        const auto reply = post("127.0.0.1", port, target, {}, std::move(body), 5s);
        return reply ? reply->status : -1;
    }

    std::unique_ptr<HttpServer> server;
    std::uint16_t port = 0;
    std::atomic<int> running{0};
    std::atomic<bool> release{false};
};

TEST_F(ServerTest, RoutesByPath) {
    start();
    EXPECT_EQ(post("127.0.0.1", port, "/", {}, "hello", 5s)->body, "POST / hello");
    EXPECT_EQ(post("127.0.0.1", port, "/wallet/w%201", {}, "", 5s)->body, "POST /wallet/w%201 ");
    EXPECT_EQ(status("/nowhere"), 404);
    EXPECT_EQ(status("/throw"), 500);
}

TEST_F(ServerTest, KeepsTheConnectionOpenBetweenRequests) {
    start();
    RawClient client(port);
    for (int i = 0; i < 3; ++i) {
        client.send("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\nhi");
        EXPECT_NE(client.read_some().find("200 OK"), std::string::npos);
    }
    client.send("POST / HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 0\r\n\r\n");
    EXPECT_NE(client.read_all().find("200 OK"), std::string::npos);
}

TEST_F(ServerTest, RefusesWhatIsTooLargeOrMalformed) {
    auto small = options();
    small.max_body_bytes = 1000;
    start(small);
    EXPECT_EQ(status("/", std::string(1000, 'x')), 200);
    EXPECT_EQ(status("/", std::string(1001, 'x')), 413);
    EXPECT_EQ(status("/" + std::string(9000, 'x')), 400);
    for (const char* bad : {"GET / NOTHTTP/1.1\r\n\r\n", "GET /\x01 HTTP/1.1\r\n\r\n", "\r\n\r\nGET\r\n\r\n",
                            "POST / HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
                            "POST / HTTP/1.1\r\nName : value\r\n\r\n"}) {
        RawClient client(port);
        client.send(bad);
        EXPECT_EQ(client.read_some().substr(0, 12), "HTTP/1.1 400") << bad;
    }
    RawClient other(port);
    other.send("DELETE / HTTP/1.1\r\nHost: x\r\n\r\n");
    EXPECT_EQ(other.read_some().substr(0, 12), "HTTP/1.1 405");
}

TEST_F(ServerTest, DropsClientsThatStall) {
    auto hasty = options();
    hasty.timeout_s = 1;
    start(hasty);
    RawClient client(port);
    client.send("POST / HTTP/1.1\r\nHost: x\r\nContent-Le");
    EXPECT_EQ(client.read_all(), "");
}

TEST_F(ServerTest, AnswersBusyWhenTheQueueIsFull) {
    auto narrow = options();
    narrow.threads = 1;
    narrow.queue_depth = 1;
    start(narrow);
    std::thread first([&] { EXPECT_EQ(status("/slow"), 200); });
    while (running == 0) std::this_thread::sleep_for(1ms);
    RawClient waiting(port);
    waiting.send("POST / HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 0\r\n\r\n");
    while (status("/") != 503) std::this_thread::sleep_for(1ms);
    release = true;
    first.join();
    EXPECT_NE(waiting.read_all().find("200 OK"), std::string::npos);
}

TEST_F(ServerTest, AnswersOthersOverTheSameAndNewConnectionsWhileOneAnswerTakesLong) {
    start();
    RawClient before(port);
    std::thread slow([&] { EXPECT_EQ(status("/slow"), 200); });
    while (running == 0) std::this_thread::sleep_for(1ms);
    // Only these let the slow one end.
    before.send("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n");
    EXPECT_NE(before.read_some().find("200 OK"), std::string::npos);
    EXPECT_EQ(status("/"), 200);
    release = true;
    slow.join();
    EXPECT_EQ(status("/slow"), 200);
}

TEST_F(ServerTest, KeepsAnsweringWhenAllPlacesAreTakenAgainAndAgain) {
    auto chosen = options();
    chosen.threads = 3;
    start(chosen);
    for (int round = 0; round < 5; ++round) {
        release = false;
        running = 0;
        std::vector<std::thread> slow;
        for (int i = 0; i < 3; ++i) slow.emplace_back([&] { EXPECT_EQ(status("/slow"), 200); });
        while (running < 3) std::this_thread::sleep_for(1ms);
        RawClient waiting(port);
        waiting.send("POST / HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 0\r\n\r\n");
        release = true;
        EXPECT_NE(waiting.read_all().find("200 OK"), std::string::npos);
        for (std::thread& one : slow) one.join();
    }
}

TEST_F(ServerTest, AnswersManyConnectionsAtOnce) {
    auto chosen = options();
    chosen.queue_depth = 100;
    start(chosen);
    std::vector<std::thread> clients;
    for (int c = 0; c < 8; ++c) {
        clients.emplace_back([this] {
            RawClient client(port);
            for (int i = 0; i < 200; ++i) {
                client.send("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\nhi");
                ASSERT_NE(client.read_some().find("200 OK"), std::string::npos);
                if (i % 50 == 0) std::this_thread::sleep_for(2ms);
            }
        });
    }
    for (std::thread& client : clients) client.join();
}

TEST_F(ServerTest, RefusesARequestWithTwoWaysOfSayingItsLength) {
    start();
    RawClient client(port);
    client.send("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n");
    EXPECT_EQ(client.read_some().substr(0, 12), "HTTP/1.1 400");
}

TEST_F(ServerTest, LetsRunningCallsEndBeforeItStops) {
    start();
    std::thread caller([&] { EXPECT_EQ(status("/slow"), 200); });
    while (running == 0) std::this_thread::sleep_for(1ms);
    server->interrupt();
    EXPECT_EQ(status("/"), 503);
    std::thread stopper([&] { server->stop(); });
    release = true;
    stopper.join();
    caller.join();
}

TEST_F(ServerTest, StopsWithIdleConnectionsOpen) {
    start();
    RawClient idle(port);
    idle.send("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n");
    EXPECT_NE(idle.read_some().find("200 OK"), std::string::npos);
    server->stop();
    EXPECT_EQ(idle.read_all(), "");
}

TEST(HttpClient, SaysWhyItCouldNotConnect) {
    const auto reply = post("127.0.0.1", 1, "/", {}, "", 1s);
    ASSERT_FALSE(reply.has_value());
    EXPECT_EQ(reply.error(), "Could not connect to the server");
}

}  // namespace
}  // namespace cairn::http
