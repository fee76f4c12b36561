#include <gtest/gtest.h>

#include "consensus/rules/params.hpp"
#include "node/rpc/methods.hpp"
#include "tests/support/rpc_desk.hpp"

namespace cairn::node {
namespace {

const std::string kKey = "\"cUeKHd5orzT3mz8P9pxyREHfsWtVfgsfDjiZZBcjUBAaGk1BTj7N\"";
const std::string kAddress = "\"mpLQjfK79b7CCV4VMJWEWAj5Mpx8Up5zxB\"";
const std::string kSignature = "\"INbVnW4e6PeRmsv2Qgu8NuopvrVjkcxob+sX8OcZG0SALhWybUjzMLPdAsXI46YZGb0KQTRii+wWIQzRpG/U+S0=\"";

class SignedMessages : public ::testing::Test, protected test::RpcDesk {
protected:
    SignedMessages() : params_(make_params(Network::regtest)) {
        context_.params = params_.get();
        add_signed_message_methods(table_, context_);
        open();
    }
    std::string verify(const std::string& address, const std::string& signature, const std::string& message) {
        return ask("verifymessage", "[" + address + "," + signature + "," + message + "]");
    }

    ChainParamsPtr params_;
};

TEST_F(SignedMessages, AreThoseOfOtherWallets) {
    const std::string message = "\"This is just a test message\"";
    EXPECT_EQ(ask("signmessagewithprivkey", "[" + kKey + "," + message + "]"), kSignature);
    EXPECT_EQ(verify(kAddress, kSignature, message), "true");
    EXPECT_EQ(verify(kAddress, kSignature, "\"another message\""), "false");
    EXPECT_EQ(verify(kAddress, "\"AAAA\"", message), "false") << "too short for a signature";
}

TEST_F(SignedMessages, AreRefusedWithTheReason) {
    EXPECT_EQ(ask("signmessagewithprivkey", "[\"x\",\"y\"]"), "-5: Invalid private key");
    EXPECT_EQ(verify("\"x\"", kSignature, "\"y\""), "-5: Invalid address");
    EXPECT_EQ(verify(kAddress, "\"x_\"", "\"y\""), "-3: Malformed base64 encoding");
    EXPECT_EQ(verify("\"2N7FuwuUuoTBrDFdrAZ9KxBmtqMLxce9i1C\"", kSignature, "\"y\""), "-3: Address does not refer to key");
}

}  // namespace
}  // namespace cairn::node
