#include "net/io/detail/sam.hpp"

#include <gtest/gtest.h>

namespace cairn::net::detail {
namespace {

using State = Negotiation::State;

std::string said(Negotiation& talk) { return std::string(as_text(talk.take_output())); }
void hear(Negotiation& talk, const std::string& line) { EXPECT_EQ(talk.on_bytes(as_bytes(line + "\n")), line.size() + 1); }

/// 387 bytes and a certificate, then what belongs to the private key.
Bytes private_key(std::uint16_t certificate = 4, std::size_t secret = 32) {
    Bytes key(387 + certificate + secret, 7);
    key[385] = static_cast<std::uint8_t>(certificate >> 8);
    key[386] = static_cast<std::uint8_t>(certificate);
    return key;
}

TEST(I2pBase64, UsesItsOwnAlphabetBothWays) {
    EXPECT_EQ(to_i2p_base64(Bytes{0xfb, 0xff, 0xfe}), "-~~-");
    EXPECT_EQ(from_i2p_base64("-~~-"), (Bytes{0xfb, 0xff, 0xfe}));
    for (std::size_t size = 0; size < 10; ++size) EXPECT_EQ(from_i2p_base64(to_i2p_base64(Bytes(size, 0xa5))), Bytes(size, 0xa5));
    for (const char* bad : {"abc", "ab+=", "ab/=", "a===", "ab c", "abc=d"}) EXPECT_FALSE(from_i2p_base64(bad)) << bad;
}

TEST(I2pDestination, IsTheFirstPartOfAKey) {
    EXPECT_EQ(i2p_destination(private_key())->size(), 391u);
    EXPECT_EQ(i2p_destination(Bytes(100)).error(), "The private key is too short (100 < 387)");
    Bytes key = private_key();
    key[385] = 0xff;
    EXPECT_TRUE(i2p_destination(key).error().starts_with("Certificate length (65284) designates"));
    EXPECT_EQ(i2p_address(*i2p_destination(private_key())).network(), NetworkId::i2p);
}

TEST(SamSession, MakesAndKeepsAKeyTheFirstTime) {
    Bytes kept;
    SamSession::Options options;
    options.id = "abc";
    options.save_key = [&](ByteSpan key) { kept = to_bytes(key); return true; };
    SamSession session(options);
    EXPECT_EQ(said(session), "HELLO VERSION MIN=3.1 MAX=3.1\n");
    hear(session, "HELLO REPLY RESULT=OK VERSION=3.1");
    EXPECT_EQ(said(session), "DEST GENERATE SIGNATURE_TYPE=7\n");
    const Bytes key = private_key();
    hear(session, "DEST REPLY PUB=x PRIV=" + to_i2p_base64(key));
    EXPECT_EQ(kept, key);
    EXPECT_EQ(said(session), "SESSION CREATE STYLE=STREAM ID=abc DESTINATION=" + to_i2p_base64(key) +
                                 " i2cp.leaseSetEncType=4,0 inbound.quantity=3 outbound.quantity=3\n");
    hear(session, "SESSION STATUS RESULT=OK DESTINATION=y");
    EXPECT_EQ(session.state(), State::done);
    EXPECT_EQ(session.address(), i2p_address(*i2p_destination(key)));
}

TEST(SamSession, UsesTheKeyItHas) {
    SamSession::Options options;
    options.key = private_key();
    SamSession session(options);
    said(session);
    hear(session, "HELLO REPLY RESULT=OK");
    EXPECT_TRUE(said(session).starts_with("SESSION CREATE STYLE=STREAM"));
}

TEST(SamSession, ForgetsATransientKey) {
    SamSession::Options options;
    options.id = "t";
    options.transient = true;
    SamSession session(options);
    said(session);
    hear(session, "HELLO REPLY RESULT=OK");
    EXPECT_EQ(said(session), "SESSION CREATE STYLE=STREAM ID=t DESTINATION=TRANSIENT SIGNATURE_TYPE=7 i2cp.leaseSetEncType=4,0 "
                             "inbound.quantity=1 outbound.quantity=1\n");
    hear(session, "SESSION STATUS RESULT=OK DESTINATION=" + to_i2p_base64(private_key()));
    EXPECT_EQ(session.state(), State::done);
}

TEST(SamSession, FailsOnWhatIsNotAnAnswer) {
    struct Case { std::vector<std::string> lines; const char* words; };
    const std::vector<Case> cases{
        {{"HELLO REPLY RESULT=NOVERSION"}, "Reply to \"HELLO VERSION MIN=3.1 MAX=3.1\": had a RESULT not equal to OK."},
        {{"garbage"}, "Missing RESULT= in the reply to \"HELLO VERSION MIN=3.1 MAX=3.1\""},
        {{""}, "Missing RESULT= in the reply to \"HELLO VERSION MIN=3.1 MAX=3.1\""},
        {{"HELLO REPLY RESULT=OK", "DEST REPLY"}, "Missing PRIV= in the reply to \"DEST GENERATE SIGNATURE_TYPE=7\""},
        {{"HELLO REPLY RESULT=OK", "DEST REPLY PRIV=***"}, "Cannot decode Base64 of the new private key"},
        {{"HELLO REPLY RESULT=OK", "DEST REPLY PRIV=abcd", "SESSION STATUS RESULT=DUPLICATED_ID"},
         "Reply to \"SESSION CREATE ...\": had a RESULT not equal to OK."},
        {{"HELLO REPLY RESULT=OK", "DEST REPLY PRIV=abcd", "SESSION STATUS RESULT=OK"}, "The private key is too short (3 < 387)"}};
    for (const Case& c : cases) {
        SamSession session({});
        for (const std::string& line : c.lines) hear(session, line);
        EXPECT_EQ(session.state(), State::failed);
        EXPECT_EQ(session.error(), c.words);
    }
    SamSession::Options unkept;
    unkept.key_file = "/nowhere/key";
    unkept.save_key = [](ByteSpan) { return false; };
    SamSession session(unkept);
    hear(session, "HELLO REPLY RESULT=OK");
    hear(session, "DEST REPLY PRIV=abcd");
    EXPECT_EQ(session.error(), "Cannot save I2P private key to \"/nowhere/key\"");
}

TEST(SamTalk, IsBoundedAndPatientOnlyForAWhile) {
    SamSession session({});
    const Bytes flood(SamTalk::kMaxLine + 1, 'a');
    session.on_bytes(flood);
    EXPECT_EQ(session.error(), "Received too many bytes without a terminator (65537)");
    SamSession silent({});
    silent.on_bytes(as_bytes("HEL"));
    silent.on_silence(false);
    EXPECT_EQ(silent.error(), "Receive timeout (received 3 bytes without terminator before that)");
    SamSession cut({});
    cut.on_silence(true);
    EXPECT_EQ(cut.error(), "Connection unexpectedly closed by peer");
}

TEST(SamConnect, LooksUpTheNameAndLeavesThePeersBytes) {
    SamConnect connect("id", "host.b32.i2p");
    said(connect);
    for (const char c : std::string("HELLO REPLY RESULT=OK\n")) connect.on_bytes(Bytes{static_cast<std::uint8_t>(c)});
    EXPECT_EQ(said(connect), "NAMING LOOKUP NAME=host.b32.i2p\n");
    hear(connect, "NAMING REPLY RESULT=OK NAME=host.b32.i2p VALUE=dest==");
    EXPECT_EQ(said(connect), "STREAM CONNECT ID=id DESTINATION=dest== SILENT=false\n");
    const std::string last = "STREAM STATUS RESULT=OK\nversion";
    EXPECT_EQ(connect.on_bytes(as_bytes(last)), last.size() - 7);
    EXPECT_EQ(connect.state(), State::done);
}

TEST(SamConnect, SaysWhyThereIsNoStream) {
    struct Case { std::vector<std::string> lines; const char* words; bool gone; };
    const std::vector<Case> cases{
        {{"A RESULT=OK", "NAMING REPLY RESULT=KEY_NOT_FOUND"}, "Reply to \"NAMING LOOKUP NAME=h\": had a RESULT not equal to OK.", false},
        {{"A RESULT=OK", "NAMING REPLY RESULT=OK"}, "Missing VALUE= in the reply to \"NAMING LOOKUP NAME=h\"", false},
        {{"A RESULT=OK", "B RESULT=OK VALUE=v", "STREAM STATUS RESULT=CANT_REACH_PEER"}, "\"STREAM STATUS RESULT=CANT_REACH_PEER\"", false},
        {{"A RESULT=OK", "B RESULT=OK VALUE=v", "STREAM STATUS RESULT=INVALID_ID"}, "Invalid session id", true}};
    for (const Case& c : cases) {
        SamConnect connect("id", "h");
        for (const std::string& line : c.lines) hear(connect, line);
        EXPECT_EQ(connect.error(), c.words);
        EXPECT_EQ(connect.session_gone(), c.gone);
    }
}

TEST(SamAccept, WaitsForAPeerAsLongAsItTakes) {
    SamAccept accept("id");
    said(accept);
    EXPECT_GT(accept.patience().count(), 0);
    hear(accept, "HELLO REPLY RESULT=OK");
    EXPECT_EQ(said(accept), "STREAM ACCEPT ID=id SILENT=false\n");
    hear(accept, "STREAM STATUS RESULT=OK");
    EXPECT_TRUE(accept.listening());
    EXPECT_EQ(accept.patience().count(), 0);
    const Bytes destination(391, 9);
    const std::string line = to_i2p_base64(destination) + " FROM_PORT=0 TO_PORT=0\n";
    EXPECT_EQ(accept.on_bytes(as_bytes(line + "hello")), line.size());
    EXPECT_EQ(accept.peer(), i2p_address(destination));
}

TEST(SamAccept, KnowsWhenTheSessionIsOver) {
    SamAccept lost("id");
    hear(lost, "HELLO REPLY RESULT=OK");
    hear(lost, "STREAM STATUS RESULT=INVALID_ID");
    EXPECT_TRUE(lost.session_gone());
    for (const auto& [line, gone] : {std::pair{"STREAM STATUS RESULT=I2P_ERROR MESSAGE=\"Session was closed\"", true}, {"%%%", false}, {"", false}}) {
        SamAccept accept("id");
        hear(accept, "HELLO REPLY RESULT=OK");
        hear(accept, "STREAM STATUS RESULT=OK");
        hear(accept, line);
        EXPECT_EQ(accept.state(), State::failed) << line;
        EXPECT_EQ(accept.session_gone(), gone) << line;
    }
}

}  // namespace
}  // namespace cairn::net::detail
