// Connections through proxies, bridges and Tor's control port, all made up here and all on 127.0.0.1.
#include <gtest/gtest.h>

#include <condition_variable>
#include <fstream>
#include <map>
#include <set>

#include "net/io/detail/sam.hpp"
#include "tests/support/loopback_server.hpp"
#include "tests/support/quiet_role.hpp"
#include "tests/support/temp_dir.hpp"

namespace cairn::net {
namespace {

using test::bridge;
using test::connect_local;
using test::Line;
using test::LoopbackServer;
using test::eventually;
using test::local_options;
using test::QuietRole;

constexpr const char* kOnion = "pg6mmjiyjmcrsslvykfwnntlaru7p5svn6y2ymmju6nubxndf4pscryd";

/// A SOCKS5 proxy that connects every target to one port of this machine.
class FakeSocks {
public:
    struct Request {
        std::string host, name, password;
        int port = 0;
    };
    explicit FakeSocks(std::uint16_t target, const std::string& unix_path = {}) : target_(target), server_([this](Line line) { serve(line); }, unix_path) {}

    std::vector<Request> requests() {
        const std::lock_guard lock(mutex_);
        return requests_;
    }
    void refuse(char answer) { answer_ = answer; }
    std::string address() const { return server_.address(); }

private:
    void serve(Line line) {
        Request request;
        std::string head, methods, part;
        if (!line.read(head, 2) || !line.read(methods, static_cast<unsigned char>(head[1]))) return;
        const bool with_name = methods.find('\2') != std::string::npos;
        line.write(std::string("\5", 1) + (with_name ? '\2' : '\0'));
        if (with_name) {
            line.read(part, 2);
            line.read(request.name, static_cast<unsigned char>(part[1]));
            line.read(part, 1);
            line.read(request.password, static_cast<unsigned char>(part[0]));
            line.write(std::string("\1\0", 2));
        }
        if (!line.read(head, 5) || head[3] != 3) return;
        line.read(request.host, static_cast<unsigned char>(head[4]));
        line.read(part, 2);
        request.port = static_cast<unsigned char>(part[0]) << 8 | static_cast<unsigned char>(part[1]);
        {
            const std::lock_guard lock(mutex_);
            requests_.push_back(request);
        }
        const std::string answer = std::string("\5") + answer_.load() + std::string("\0\1\0\0\0\0\0\0", 8);
        for (const char byte : answer) line.write(std::string(1, byte));  // in as many pieces as it has bytes
        if (answer_ != 0) return;
        const int target = connect_local(target_);
        if (target < 0) return;
        bridge(line.socket(), target);
        ::close(target);
    }

    const std::uint16_t target_;
    std::atomic<char> answer_{0};
    std::mutex mutex_;  // guards requests_
    std::vector<Request> requests_;
    LoopbackServer server_;
};

ProxyPlan plan(std::function<void(ProxyArguments&)> change) {
    ProxyArguments given;
    given.listen_onion = false;
    change(given);
    return plan_proxies(given).value();
}

/// All of `node`'s peers have shaken hands, and there are as many.
bool has_peers(const Network& node, std::size_t count) {
    const auto view = node.view();
    return view->peers.size() == count && std::all_of(view->peers.begin(), view->peers.end(), [](const PeerSnapshot& peer) { return peer.min_ping_us.has_value(); });
}

TEST(Proxies, CarryConnectionsWithCredentialsOfTheirOwn) {
    Clock clock;
    QuietRole role;
    FakeSocks proxy(38341);
    NetworkOptions options = local_options(38342);
    options.proxies = plan([&](auto& given) { given.proxies = {proxy.address()}; });
    Network server(local_options(38341), role, clock), client(options, role, clock);
    ASSERT_TRUE(server.start() && client.start());
    const std::string onion = std::string(kOnion) + ".onion:8333";
    ASSERT_TRUE(client.try_node("node.noumenon:8333", false));
    ASSERT_TRUE(client.try_node("15.61.23.23:1234", false));
    ASSERT_TRUE(client.try_node(onion, true));
    ASSERT_TRUE(eventually([&] { return has_peers(client, 3); }));
    std::map<std::string, int> hosts;
    std::set<std::string> names;
    for (const auto& request : proxy.requests()) {
        hosts[request.host] = request.port;
        names.insert(request.name);
        EXPECT_EQ(request.name, request.password);
    }
    EXPECT_EQ(hosts, (std::map<std::string, int>{{"node.noumenon", 8333}, {"15.61.23.23", 1234}, {std::string(kOnion) + ".onion", 8333}}));
    EXPECT_EQ(names.size(), 3u) << "nobody can see that they come from one node";
    std::map<std::string, std::string> networks;
    for (const PeerSnapshot& peer : client.view()->peers) networks[peer.address] = peer.network;
    EXPECT_EQ(networks, (std::map<std::string, std::string>{{"node.noumenon:8333", "not_publicly_routable"}, {"15.61.23.23:1234", "ipv4"}, {onion, "onion"}}));
}

TEST(Proxies, AreNotUsedForThisMachine) {
    Clock clock;
    QuietRole role;
    FakeSocks proxy(38343);
    NetworkOptions options = local_options(38344);
    options.proxies = plan([&](auto& given) { given.proxies = {proxy.address()}; });
    Network server(local_options(38343), role, clock), client(options, role, clock);
    ASSERT_TRUE(server.start() && client.start());
    ASSERT_TRUE(client.try_node("127.0.0.1:38343", false));
    ASSERT_TRUE(eventually([&] { return has_peers(client, 1); }));
    EXPECT_TRUE(proxy.requests().empty());
}

TEST(Proxies, ListenOnLocalSocketsToo) {
    Clock clock;
    QuietRole role;
    const test::TempDir dir;
    const std::string path = (dir.path() / "socks").string();
    FakeSocks proxy(38345, path);
    NetworkOptions options = local_options(38346);
    options.proxies = plan([&](auto& given) { given.onion = "unix:" + path; given.randomize = false; });
    Network server(local_options(38345), role, clock), client(options, role, clock);
    ASSERT_TRUE(server.start() && client.start());
    ASSERT_TRUE(client.try_node(std::string(kOnion) + ".onion:8333", true));
    ASSERT_TRUE(eventually([&] { return has_peers(client, 1); }));
    EXPECT_EQ(client.view()->peers[0].transport, "v2");
    EXPECT_EQ(client.view()->peers[0].bind_address, "") << "a local socket has no address to tell";
    EXPECT_EQ(proxy.requests().at(0).name, "") << "no credentials without -proxyrandomize";
    const auto view = client.view();
    ASSERT_EQ(view->networks.size(), 5u);
    EXPECT_EQ(view->networks[2].proxy, "unix:" + path);
    EXPECT_TRUE(view->networks[2].reachable);
    EXPECT_EQ(view->networks[0].proxy, "");
}

TEST(Proxies, ThatRefuseAreNotGoneAround) {
    Clock clock;
    QuietRole role;
    FakeSocks proxy(38347);
    proxy.refuse(5);
    NetworkOptions options = local_options(38348);
    options.proxies = plan([&](auto& given) { given.proxies = {proxy.address()}; });
    Network client(options, role, clock);
    ASSERT_TRUE(client.start());
    ASSERT_TRUE(client.add_node("192.0.1.1:8333", false));  // a public address that is dialled through the proxy or not at all
    ASSERT_TRUE(client.try_node("localhost:38348", false));
    ASSERT_TRUE(eventually([&] { return proxy.requests().size() == 2; }));
    EXPECT_TRUE(client.view()->peers.empty());
}

/// A SAM bridge with an I2P of its own: names lead to those who have a session here.
class FakeSam {
public:
    FakeSam() : server_([this](Line line) { serve(line); }) {}
    std::string address() const { return server_.address(); }
    void drop_all() { server_.drop_all(); }
    int sessions() {
        const std::lock_guard lock(mutex_);
        return made_;
    }

private:
    static std::string word(const std::string& line, const std::string& key) {
        const std::size_t at = line.find(" " + key + "=");
        if (at == std::string::npos) return {};
        const std::size_t start = at + key.size() + 2;
        return line.substr(start, line.find(' ', start) - start);
    }
    /// A destination without a certificate, and its key.
    static Bytes new_key(int number) {
        Bytes key(387 + 32, static_cast<std::uint8_t>(number));
        key[385] = key[386] = 0;
        return key;
    }
    static std::string destination(const std::string& key) { return detail::to_i2p_base64(*detail::i2p_destination(*detail::from_i2p_base64(key))); }

    void serve(Line line) {
        std::string mine;
        while (const auto request = line.read_line()) {
            if (request->starts_with("HELLO")) {
                line.write("HELLO REPLY RESULT=OK VERSION=3.1\n");
            } else if (request->starts_with("DEST GENERATE")) {
                const std::lock_guard lock(mutex_);
                line.write("DEST REPLY PUB=x PRIV=" + detail::to_i2p_base64(new_key(++keys_)) + "\n");
            } else if (request->starts_with("SESSION CREATE")) {
                std::string key = word(*request, "DESTINATION");
                const std::lock_guard lock(mutex_);
                if (key == "TRANSIENT") key = detail::to_i2p_base64(new_key(++keys_));
                mine = word(*request, "ID");
                sessions_[mine] = destination(key);
                ++made_;
                line.write("SESSION STATUS RESULT=OK DESTINATION=" + key + "\n");
            } else if (request->starts_with("NAMING LOOKUP")) {
                line.write(look_up(word(*request, "NAME")));
            } else if (request->starts_with("STREAM ACCEPT")) {
                return accept(line, word(*request, "ID"));
            } else if (request->starts_with("STREAM CONNECT")) {
                return connect(line, word(*request, "ID"), word(*request, "DESTINATION"));
            }
        }
        const std::lock_guard lock(mutex_);
        sessions_.erase(mine);
    }
    std::string look_up(const std::string& name) {
        const std::lock_guard lock(mutex_);
        for (const auto& [id, known] : sessions_)
            if (detail::i2p_address(*detail::from_i2p_base64(known)).to_string() == name) return "NAMING REPLY RESULT=OK NAME=" + name + " VALUE=" + known + "\n";
        return "NAMING REPLY RESULT=KEY_NOT_FOUND NAME=" + name + "\n";
    }
    /// Waits until somebody connects, who then carries the bytes.
    void accept(Line line, const std::string& id) {
        std::unique_lock lock(mutex_);
        if (!sessions_.contains(id)) {
            line.write("STREAM STATUS RESULT=INVALID_ID\n");
            return;
        }
        line.write("STREAM STATUS RESULT=OK\n");
        const std::string me = sessions_[id];
        accepting_[me] = line.socket();
        while (!taken_.contains(line.socket())) {
            char byte;
            lock.unlock();
            const ssize_t peeked = ::recv(line.socket(), &byte, 1, MSG_PEEK | MSG_DONTWAIT);
            std::this_thread::sleep_for(std::chrono::milliseconds(10));
            lock.lock();
            if (peeked == 0) return;
        }
        done_.wait(lock, [&] { return finished_.contains(line.socket()); });
    }
    void connect(Line line, const std::string& id, const std::string& to) {
        int other = -1;
        {
            const std::lock_guard lock(mutex_);
            const auto found = accepting_.find(to);
            if (found != accepting_.end()) {
                other = found->second;
                accepting_.erase(found);
                taken_.insert(other);
                Line(other).write(sessions_[id] + "\n");
            }
        }
        if (other < 0) {
            line.write("STREAM STATUS RESULT=CANT_REACH_PEER\n");
            return;
        }
        line.write("STREAM STATUS RESULT=OK\n");
        bridge(line.socket(), other);
        const std::lock_guard lock(mutex_);
        finished_.insert(other);
        done_.notify_all();
    }

    std::mutex mutex_;  // guards all below but the server
    std::condition_variable done_;
    std::map<std::string, std::string> sessions_;
    std::map<std::string, int> accepting_;
    std::set<int> taken_, finished_;
    int keys_ = 0, made_ = 0;
    LoopbackServer server_;
};

TEST(I2p, CarriesConnectionsBothWaysUnderALastingAddress) {
    Clock clock;
    QuietRole role;
    FakeSam sam;
    const test::TempDir dir;
    NetworkOptions options = local_options(38351);
    options.data_dir = dir.path();
    options.proxies = plan([&](auto& given) { given.i2p_sam = sam.address(); });
    NetworkOptions guest_options = local_options(38352);
    guest_options.proxies = options.proxies;
    guest_options.i2p_accept_incoming = false;
    std::string address;
    {
        Network host(options, role, clock), guest(guest_options, role, clock);
        ASSERT_TRUE(host.start() && guest.start());
        ASSERT_TRUE(eventually([&] { return host.view()->local_addresses.size() == 1; }));
        address = host.view()->local_addresses[0].address;
        EXPECT_TRUE(address.ends_with(".b32.i2p"));
        EXPECT_EQ(host.view()->local_addresses[0].port, 0);
        for (int i = 0; i < 2; ++i) {
            ASSERT_TRUE(guest.try_node(address + ":0", i == 1));
            ASSERT_TRUE(eventually([&] { return has_peers(guest, 1) && has_peers(host, 1); }));
            EXPECT_EQ(guest.view()->peers[0].network, "i2p");
            EXPECT_EQ(host.view()->peers[0].network, "i2p");
            EXPECT_TRUE(host.view()->peers[0].inbound);
            EXPECT_EQ(guest.view()->peers[0].bind_address, host.view()->peers[0].address) << "each sees the other's address";
            ASSERT_TRUE(guest.disconnect(guest.view()->peers[0].id));
            ASSERT_TRUE(eventually([&] { return host.view()->peers.empty(); }));
        }
        EXPECT_EQ(sam.sessions(), 3) << "a lasting one, and one for each connection of the guest";
        ASSERT_TRUE(guest.try_node(address + ":8333", false)) << "I2P has no ports";
        sam.drop_all();
        ASSERT_TRUE(eventually([&] { return host.view()->local_addresses.empty(); }));
        ASSERT_TRUE(eventually([&] { return host.view()->local_addresses.size() == 1; }));
        EXPECT_EQ(host.view()->local_addresses[0].address, address);
    }
    EXPECT_TRUE(std::filesystem::exists(dir.path() / "i2p_private_key"));
    Network again(options, role, clock);
    ASSERT_TRUE(again.start());
    ASSERT_TRUE(eventually([&] { return again.view()->local_addresses.size() == 1; }));
    EXPECT_EQ(again.view()->local_addresses[0].address, address);
}

TEST(TorService, ExistsAsLongAsTheControlConnection) {
    Clock clock;
    QuietRole role;
    std::mutex mutex;
    std::vector<std::string> commands;
    LoopbackServer tor([&](Line line) {
        while (const auto command = line.read_line()) {
            {
                const std::lock_guard lock(mutex);
                commands.push_back(*command);
            }
            if (command->starts_with("PROTOCOLINFO")) line.write("250-PROTOCOLINFO 1\r\n250-AUTH METHODS=NULL\r\n250 OK\r\n");
            else if (command->starts_with("GETINFO")) line.write("250-net/listeners/socks=\"127.0.0.1:9150\"\r\n250 OK\r\n");
            else if (command->starts_with("ADD_ONION")) line.write(std::string("250-ServiceID=") + kOnion + "\r\n250-PrivateKey=ED25519-V3:secret\r\n250 OK\r\n");
            else line.write("250 OK\r\n");
        }
    });
    const test::TempDir dir;
    NetworkOptions options = local_options(38361);
    options.data_dir = dir.path();
    options.binds.push_back("127.0.0.1:38362=onion");
    options.listen_onion = true;
    options.tor_control = tor.address();
    Network node(options, role, clock);
    ASSERT_TRUE(node.start());
    ASSERT_TRUE(eventually([&] { return node.view()->local_addresses.size() == 1; }));
    EXPECT_EQ(node.view()->local_addresses[0].address, std::string(kOnion) + ".onion");
    EXPECT_EQ(node.view()->local_addresses[0].port, 38361);
    const NetworkState onion = node.view()->networks.at(2);
    EXPECT_TRUE(onion.reachable);
    EXPECT_EQ(onion.proxy, "127.0.0.1:9150");
    EXPECT_TRUE(onion.proxy_randomizes);
    {
        const std::lock_guard lock(mutex);
        EXPECT_EQ(commands.at(3), "ADD_ONION NEW:ED25519-V3 PoWDefensesEnabled=1 Port=38361,127.0.0.1:38362");
    }
    std::ifstream key(dir.path() / "onion_v3_private_key");
    std::string text;
    std::getline(key, text);
    EXPECT_EQ(text, "ED25519-V3:secret");

    Network visitor(local_options(38363), role, clock);
    ASSERT_TRUE(visitor.start());
    ASSERT_TRUE(visitor.try_node("127.0.0.1:38362", false));
    ASSERT_TRUE(eventually([&] { return has_peers(node, 1); }));
    EXPECT_EQ(node.view()->peers[0].network, "onion") << "whoever comes over that socket comes from Tor";

    tor.drop_all();
    ASSERT_TRUE(eventually([&] { return node.view()->local_addresses.empty(); }));
    ASSERT_TRUE(eventually([&] { return node.view()->local_addresses.size() == 1; })) << "made again";
    const std::lock_guard lock(mutex);
    EXPECT_TRUE(commands.back().starts_with("ADD_ONION ED25519-V3:secret ")) << "with the same key";
}

TEST(LocalAddresses, ComeFromOptionsAndSockets) {
    Clock clock;
    QuietRole role;
    NetworkOptions options = local_options(38371);
    options.external_ips = {"2.2.2.2", "2.2.2.3:99", "[fc00::5]:7", std::string(kOnion) + ".onion", "10.0.0.1"};
    options.cjdns_reachable = true;
    Network node(options, role, clock);
    ASSERT_TRUE(node.start());
    std::map<std::string, int> ports;
    for (const LocalAddress& local : node.view()->local_addresses) {
        ports[local.address] = local.port;
        EXPECT_EQ(local.score, 4);
    }
    EXPECT_EQ(ports, (std::map<std::string, int>{{"2.2.2.2", 38371}, {"2.2.2.3", 99}, {"fc00::5", 7}, {std::string(kOnion) + ".onion", 38371}}))
        << "an address of a private network is none";
}

}  // namespace
}  // namespace cairn::net
