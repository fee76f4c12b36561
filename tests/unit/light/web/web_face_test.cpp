#include "light/web/web_face.hpp"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <fstream>

#include "net/http/client.hpp"
#include "net/http/rpc_table.hpp"
#include "tests/support/temp_dir.hpp"

namespace cairn::light {
namespace {

class Page : public ::testing::Test {
protected:
    Page() {
        for (const char* name : {"listwallets", "stop", "getnewaddress"}) {
            table_.add({name, "wallet", "", {}, {}, "", [](const http::RpcRequest& request, http::JsonWriter& out) { out.string(request.method + request.uri); }});
        }
        table_.finish_warmup();
    }
    void SetUp() override {
        const auto started = face_.start();
        ASSERT_TRUE(started) << started.error();
        const std::string address = face_.address();
        const std::size_t hash = address.find("/#");
        host_ = address.substr(7, hash - 7);
        token_ = address.substr(hash + 2);
    }
    http::HttpRequest request(const std::string& method, const std::string& target, std::string body = "") const {
        http::HttpRequest made;
        made.method = method;
        made.target = target;
        made.body = std::move(body);
        made.host = host_;
        made.content_type = "application/json";
        made.authorization = "Bearer " + token_;
        return made;
    }
    std::string call(const std::string& method) const { return R"({"jsonrpc":"2.0","id":1,"method":")" + method + R"(","params":[]})"; }

    test::TempDir folder_;
    http::RpcTable table_;
    WebFace face_{table_, {0, folder_.path() / "page", 2}};
    std::string host_, token_;
};

TEST_F(Page, ServesItsFilesWithAStrictPolicy) {
    for (const char* path : {"/", "/page.js", "/page.css", "/?x=1"}) {
        const auto reply = face_.answer(request("GET", path));
        EXPECT_EQ(reply.status, 200) << path;
        EXPECT_GT(reply.body.size(), 500u);
        EXPECT_EQ(reply.body.find(token_), std::string::npos);
        bool policy = false;
        for (const auto& [name, value] : reply.headers) policy |= name == "Content-Security-Policy" && value.starts_with("default-src 'none'");
        EXPECT_TRUE(policy);
        EXPECT_EQ(reply.body.find("https://"), std::string::npos);
    }
    EXPECT_EQ(face_.answer(request("GET", "/page.html.bak")).status, 404);
    EXPECT_EQ(face_.answer(request("DELETE", "/")).status, 405);
}

TEST_F(Page, CallsNeedTheToken) {
    auto good = request("POST", "/rpc/wallet/mine", call("listwallets"));
    EXPECT_EQ(face_.answer(good).status, 200);
    EXPECT_NE(face_.answer(good).body.find("listwallets/wallet/mine"), std::string::npos);
    for (const auto& value : std::vector<std::optional<std::string>>{std::nullopt, "", "Bearer ", "Bearer " + std::string(64, '0'), "Basic " + token_, token_}) {
        auto bad = good;
        bad.authorization = value;
        EXPECT_EQ(face_.answer(bad).status, 401);
        bad.target = "/qr";
        EXPECT_EQ(face_.answer(bad).status, 401);
    }
}

TEST_F(Page, OtherPagesAndOtherNamesAreRefused) {
    for (const char* origin : {"https://evil.example", "null", "http://127.0.0.1:1", "http://localhost"}) {
        auto made = request("POST", "/rpc", call("listwallets"));
        made.origin = origin;
        EXPECT_EQ(face_.answer(made).status, 403) << origin;
    }
    for (const char* host : {"evil.example", "", "127.0.0.1", "127.0.0.1.evil.example:80"}) {
        auto made = request("GET", "/");
        made.host = host;
        EXPECT_EQ(face_.answer(made).status, 403) << host;
    }
    auto own = request("POST", "/rpc", call("listwallets"));
    own.origin = "http://" + host_;
    EXPECT_EQ(face_.answer(own).status, 200);
    auto form = request("POST", "/rpc", call("listwallets"));
    form.content_type = "text/plain";
    EXPECT_EQ(face_.answer(form).status, 415);
}

TEST_F(Page, OnlyWhatThePageNeedsCanBeCalled) {
    EXPECT_EQ(face_.answer(request("POST", "/rpc", call("stop"))).status, 403);
    EXPECT_EQ(face_.answer(request("POST", "/rpc", "[" + call("stop") + "]")).body.find("stop"), std::string::npos);
    EXPECT_EQ(face_.answer(request("POST", "/rpc", call("getnewaddress"))).status, 200);
}

TEST_F(Page, DrawsQrCodesAndRefusesWhatDoesNotFit) {
    const auto reply = face_.answer(request("POST", "/qr", "bitcoin:bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080"));
    EXPECT_EQ(reply.status, 200);
    EXPECT_TRUE(reply.body.starts_with("[\"1111111")) << reply.body;
    EXPECT_EQ(face_.answer(request("POST", "/qr", std::string(10'000, 'x'))).status, 400);
}

TEST_F(Page, ItsAddressIsInAFileForTheOwnerOnly) {
    struct stat facts {};
    ASSERT_EQ(::stat((folder_.path() / "page").c_str(), &facts), 0);
    EXPECT_EQ(facts.st_mode & 0777, 0600u);
    std::string line;
    std::getline(std::ifstream(folder_.path() / "page"), line);
    EXPECT_EQ(line, face_.address());
    face_.stop();
    EXPECT_NE(::stat((folder_.path() / "page").c_str(), &facts), 0);
}

TEST_F(Page, AnswersOverTheNetworkWhatItAnswersHere) {
    const auto port = static_cast<std::uint16_t>(std::stoi(host_.substr(host_.find(':') + 1)));
    const auto reply = http::post("127.0.0.1", port, "/rpc", {{"Host", host_}, {"Authorization", "Bearer " + token_}, {"Content-Type", "application/json"}},
                                  call("listwallets"), std::chrono::seconds(10));
    ASSERT_TRUE(reply) << reply.error();
    EXPECT_EQ(reply->status, 200) << reply->body;
    const auto foreign = http::post("127.0.0.1", port, "/rpc", {{"Authorization", "Bearer " + token_}, {"Origin", "http://evil.example"}}, call("listwallets"),
                                    std::chrono::seconds(10));
    ASSERT_TRUE(foreign);
    EXPECT_EQ(foreign->status, 403);
}

}  // namespace
}  // namespace cairn::light
