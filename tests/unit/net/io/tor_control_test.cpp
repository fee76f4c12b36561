#include "net/io/detail/tor_control.hpp"

#include <gtest/gtest.h>

#include "consensus/base/hex.hpp"
#include "consensus/crypto/hmac.hpp"

namespace cairn::net::detail {
namespace {

using State = Negotiation::State;

TEST(TorMapping, ReadsPlainAndQuotedValues) {
    using Map = std::map<std::string, std::string>;
    EXPECT_EQ(parse_tor_mapping("METHODS=COOKIE,SAFECOOKIE COOKIEFILE=\"/home/x/.tor/cookie\""),
              (Map{{"METHODS", "COOKIE,SAFECOOKIE"}, {"COOKIEFILE", "/home/x/.tor/cookie"}}));
    EXPECT_EQ(parse_tor_mapping("ServiceID=exampleonion1234"), (Map{{"ServiceID", "exampleonion1234"}}));
    EXPECT_EQ(parse_tor_mapping("PrivateKey=ED25519-V3:abc=="), (Map{{"PrivateKey", "ED25519-V3:abc=="}}));
    EXPECT_EQ(parse_tor_mapping("A= B=\"\" C"), (Map{})) << "a word without = at the very end";
    EXPECT_EQ(parse_tor_mapping("A=1 SOME=ARGS,HERE MORE ARGS"), (Map{{"A", "1"}, {"SOME", "ARGS,HERE"}})) << "the rest are other arguments";
    EXPECT_EQ(parse_tor_mapping(R"(Foo="Bar\ Baz" Spam="a \"quoted\" egg")"), (Map{{"Foo", "Bar Baz"}, {"Spam", "a \"quoted\" egg"}}));
    EXPECT_EQ(parse_tor_mapping(R"(Foo="Bar\nBaz\t" X="\r\\")"), (Map{{"Foo", "Bar\nBaz\t"}, {"X", "\r\\"}}));
    EXPECT_EQ(parse_tor_mapping(R"(Foo="\1a\1014\378\4000")"), (Map{{"Foo", "\001a" "A4" "\0378" " 00"}}));
    EXPECT_EQ(parse_tor_mapping(R"(Foo="unterminated)"), (Map{}));
    EXPECT_EQ(parse_tor_mapping("Foo=\"ends in backslash\\\""), (Map{}));
    EXPECT_EQ(parse_tor_mapping(""), (Map{}));
    EXPECT_EQ(split_tor_line("AUTH METHODS=NULL"), std::pair(std::string("AUTH"), std::string("METHODS=NULL")));
    EXPECT_EQ(split_tor_line("OK"), std::pair(std::string("OK"), std::string()));
}

class TorControlTest : public testing::Test {
protected:
    TorControl make(std::function<void(TorControl::Options&)> change = {}) {
        TorControl::Options options;
        options.service_port = 8333;
        options.target = "127.0.0.1:8334";
        options.nonce = Bytes(32, 3);
        options.log = [this](TorControl::Severity severity, const std::string& text) {
            if (severity == TorControl::Severity::warning) warnings_.push_back(text);
        };
        options.read_cookie = [](const std::string& path) -> std::optional<Bytes> {
            if (path == "/cookie") return Bytes(32, 1);
            if (path == "/short") return Bytes(5, 1);
            return std::nullopt;
        };
        options.on_socks = [this](const Endpoint& proxy) { socks_.push_back(proxy.to_string()); };
        options.on_service = [this](const std::string& id, const std::string& key) { services_.emplace_back(id, key); };
        if (change) change(options);
        return TorControl(options);
    }
    static std::string said(TorControl& control) { return std::string(as_text(control.take_output())); }
    static void hear(TorControl& control, const std::string& text) { control.on_bytes(as_bytes(text)); }

    std::vector<std::string> warnings_, socks_;
    std::vector<std::pair<std::string, std::string>> services_;
};

TEST_F(TorControlTest, MakesAServiceAndLearnsOfTheProxy) {
    TorControl control = make();
    EXPECT_EQ(said(control), "PROTOCOLINFO 1\r\n");
    for (const char c : std::string("250-PROTOCOLINFO 1\r\n250-AUTH METHODS=NULL\r\n250-VERSION Tor=\"0.4\"\r\n250 OK\r\n"))
        hear(control, std::string(1, c));
    EXPECT_EQ(said(control), "AUTHENTICATE\r\n");
    hear(control, "250 OK\r\n");
    EXPECT_EQ(said(control), "GETINFO net/listeners/socks\r\nADD_ONION NEW:ED25519-V3 PoWDefensesEnabled=1 Port=8333,127.0.0.1:8334\r\n");
    hear(control, "250-net/listeners/socks=\"10.0.0.1:9050\" \"127.0.0.1:9150\" \"unix:/x\"\r\n250 OK\r\n250-ServiceID=abc\r\n");
    EXPECT_TRUE(services_.empty());
    hear(control, "250-PrivateKey=ED25519-V3:key==\r\n250 OK\r\n");
    EXPECT_EQ(socks_, std::vector<std::string>{"127.0.0.1:9150"}) << "the local one";
    EXPECT_EQ(services_, (std::vector{std::pair(std::string("abc"), std::string("ED25519-V3:key=="))}));
    EXPECT_EQ(control.state(), State::running) << "the service lives as long as the connection";
    EXPECT_TRUE(warnings_.empty());
    hear(control, "650 STATUS_CLIENT NOTICE\r\n250 OK\r\n");
    EXPECT_EQ(control.state(), State::running);
    control.on_silence(true);
    EXPECT_EQ(control.state(), State::failed);
}

TEST_F(TorControlTest, KeepsItsKeyAndTriesWithoutProofOfWork) {
    TorControl control = make([](auto& options) {
        options.private_key = "ED25519-V3:mine";
        options.ask_for_socks = false;
    });
    hear(control, "250-AUTH METHODS=NULL\r\n250 OK\r\n250 OK\r\n");
    EXPECT_TRUE(said(control).ends_with("ADD_ONION ED25519-V3:mine PoWDefensesEnabled=1 Port=8333,127.0.0.1:8334\r\n"));
    hear(control, "512 Unrecognized option\r\n");
    EXPECT_EQ(said(control), "ADD_ONION ED25519-V3:mine Port=8333,127.0.0.1:8334\r\n");
    hear(control, "250-ServiceID=abc\r\n250 OK\r\n");
    EXPECT_EQ(services_.at(0).second, "ED25519-V3:mine");
    EXPECT_TRUE(socks_.empty());
}

TEST_F(TorControlTest, ProvesThatItKnowsTheCookieAfterTorDid) {
    TorControl control = make();
    said(control);
    hear(control, "250-AUTH METHODS=COOKIE,SAFECOOKIE COOKIEFILE=\"/cookie\"\r\n250 OK\r\n");
    EXPECT_EQ(said(control), "AUTHCHALLENGE SAFECOOKIE " + to_hex(Bytes(32, 3)) + "\r\n");
    Bytes message(32, 1);
    message.insert(message.end(), 32, 3);
    message.insert(message.end(), 32, 9);
    const Uint256 server = hmac_sha256(as_bytes("Tor safe cookie authentication server-to-controller hash"), message);
    const Uint256 client = hmac_sha256(as_bytes("Tor safe cookie authentication controller-to-server hash"), message);
    hear(control, "250 AUTHCHALLENGE SERVERHASH=" + to_hex(server.span()) + " SERVERNONCE=" + to_hex(Bytes(32, 9)) + "\r\n");
    EXPECT_EQ(said(control), "AUTHENTICATE " + to_hex(client.span()) + "\r\n");
}

TEST_F(TorControlTest, DoesNotTellTheCookieToAnImpostor) {
    for (const char* answer : {"250 AUTHCHALLENGE SERVERHASH=00 SERVERNONCE=00", "250 AUTHCHALLENGE", "250 OTHER", "515 no",
                               "250 AUTHCHALLENGE SERVERHASH=0000000000000000000000000000000000000000000000000000000000000000 "
                               "SERVERNONCE=0909090909090909090909090909090909090909090909090909090909090909"}) {
        TorControl control = make();
        hear(control, "250-AUTH METHODS=SAFECOOKIE COOKIEFILE=\"/cookie\"\r\n250 OK\r\n");
        said(control);
        hear(control, std::string(answer) + "\r\n");
        EXPECT_EQ(said(control), "") << answer;
    }
    EXPECT_EQ(warnings_.size(), 5u);
}

TEST_F(TorControlTest, ChoosesTheWayItCanAuthenticate) {
    struct Case { const char* methods; const char* password; const char* said; const char* warned; };
    for (const Case& c : {Case{"NULL,HASHEDPASSWORD", "a\"b", "AUTHENTICATE \"a\\\"b\"\r\n", ""},
                          {"NULL", "secret", "", "tor: Password provided with -torpassword, but HASHEDPASSWORD authentication is not available"},
                          {"HASHEDPASSWORD", "", "",
                           "tor: The only supported authentication mechanism left is password, but no password provided with -torpassword"},
                          {"NEW", "", "", "tor: No supported authentication method"},
                          {"SAFECOOKIE COOKIEFILE=\"/none\"", "", "", "tor: Authentication cookie /none could not be opened (check permissions)"},
                          {"SAFECOOKIE COOKIEFILE=\"/short\"", "", "", "tor: Authentication cookie /short is not exactly 32 bytes, as is required by the spec"}}) {
        warnings_.clear();
        TorControl control = make([&](auto& options) { options.password = c.password; });
        said(control);
        hear(control, std::string("250-AUTH METHODS=") + c.methods + "\r\n250 OK\r\n");
        EXPECT_EQ(said(control), c.said);
        EXPECT_EQ(warnings_.empty() ? "" : warnings_[0], c.warned);
        EXPECT_EQ(control.state(), State::running);
    }
}

TEST_F(TorControlTest, WarnsOfRefusals) {
    TorControl control = make();
    hear(control, "250-AUTH METHODS=NULL\r\n250 OK\r\n515 Bad\r\n");
    EXPECT_EQ(warnings_.back(), "tor: Authentication failed");
    TorControl old = make();
    hear(old, "250-AUTH METHODS=NULL\r\n250 OK\r\n250 OK\r\n510 What\r\n510 What\r\n");
    EXPECT_EQ(warnings_.back(), "tor: Add onion failed with unrecognized command (You probably need to upgrade Tor)");
    EXPECT_EQ(socks_, std::vector<std::string>{"127.0.0.1:9050"}) << "where it usually is";
    TorControl strange = make();
    hear(strange, "250-AUTH METHODS=NULL\r\n250 OK\r\n250 OK\r\n250 OK\r\n250 OK\r\n");
    EXPECT_EQ(warnings_.back(), "tor:     OK");
    EXPECT_TRUE(services_.empty());
}

TEST_F(TorControlTest, BoundsLinesAndReplies) {
    TorControl longest = make();
    hear(longest, "250-" + std::string(TorControl::kMaxLine - 5, 'A') + "\r\n");
    EXPECT_EQ(longest.state(), State::running);
    hear(longest, "250-" + std::string(TorControl::kMaxLine - 4, 'A') + "\r\n");
    EXPECT_EQ(longest.state(), State::failed);
    TorControl endless = make();
    hear(endless, std::string(TorControl::kMaxLine + 1, 'A'));
    EXPECT_EQ(endless.state(), State::failed) << "without an end of line";
    TorControl many = make();
    for (std::size_t i = 0; i < TorControl::kMaxLines; ++i) hear(many, "250-x\r\n");
    EXPECT_EQ(many.state(), State::running);
    hear(many, "250-x\r\n");
    EXPECT_EQ(many.state(), State::failed);
}

TEST_F(TorControlTest, PassesOverWhatIsNotAReply) {
    TorControl control = make();
    said(control);
    hear(control, "\r\n\n25\r\nxyz \r\n");
    EXPECT_EQ(warnings_, std::vector<std::string>{"tor: Requesting protocol info failed"});
    EXPECT_EQ(said(control), "");
}

}  // namespace
}  // namespace cairn::net::detail
