#include "node/rest/rest.hpp"

#include <gtest/gtest.h>

#include "consensus/base/hex.hpp"
#include "node/rpc/lookup.hpp"
#include "tests/support/fake_mempool_port.hpp"
#include "tests/support/scripted_chain.hpp"

namespace cairn::node {
namespace {

/// A node of regtest with 10 blocks, of which only the genesis block is stored, and an empty mempool.
class RestRoutes : public ::testing::Test {
protected:
    RestRoutes() : params_(make_params(Network::regtest)), chain_(*params_), rest_(context_, table_) {
        for (int i = 0; i < 10; ++i) chain_.extend();
        context_.params = params_.get();
        context_.chain = &chain_;
        context_.clock = &clock_;
        context_.rpc = &table_;
        context_.mempool = &mempool_;
        register_methods(table_, context_);
        table_.finish_warmup();
    }

    http::HttpResponse get(const std::string& target, const std::string& body = "") {
        http::HttpRequest request;
        request.method = body.empty() ? "GET" : "POST";
        request.target = target;
        request.body = body;
        return rest_.handle(std::move(request));
    }
    std::string refusal(const std::string& target, int status, const std::string& body = "") {
        const http::HttpResponse response = get(target, body);
        EXPECT_EQ(response.status, status) << target;
        EXPECT_EQ(response.content_type, "text/plain");
        EXPECT_TRUE(response.body.ends_with("\r\n")) << target;
        return response.body.substr(0, response.body.size() - 2);
    }
    std::string body(const std::string& target, const char* caching = "no-store") {
        const http::HttpResponse response = get(target);
        EXPECT_EQ(response.status, 200) << target << ": " << response.body;
        EXPECT_EQ(response.headers.at(0), std::pair(std::string("Cache-Control"), std::string(caching))) << target;
        return response.body;
    }
    std::string hash(Height height) const { return chain_.view()->at(height)->hash.to_display_hex(); }

    static constexpr const char* kForever = "public, immutable, max-age=86400";
    ChainParamsPtr params_;
    test::ScriptedChain chain_;
    test::FakeMempoolPort mempool_;
    net::Clock clock_;
    http::RpcTable table_;
    NodeContext context_;
    Rest rest_;
};

TEST_F(RestRoutes, AnswerWarmingUpWithItsStatus) {
    http::RpcTable warming;
    warming.set_warmup_status("Loading block index…");
    const Rest rest(context_, warming);
    http::HttpRequest request;
    request.target = "/rest/chaininfo.json";
    const http::HttpResponse response = rest.handle(request);
    EXPECT_EQ(response.status, 503);
    EXPECT_EQ(response.body, "Service temporarily unavailable: Loading block index…\r\n");
}

TEST_F(RestRoutes, ThatAreNoneGiveNothing) {
    EXPECT_EQ(get("/rest/nothing").status, 404);
    EXPECT_EQ(get("/rest/nothing").body, "");
}

TEST_F(RestRoutes, GiveABlockInEveryForm) {
    const std::string genesis = hash(0);
    const std::string raw(as_text(params_->genesis->raw()));
    EXPECT_EQ(body("/rest/block/" + genesis + ".bin", kForever), raw);
    EXPECT_EQ(body("/rest/block/" + genesis + ".hex", kForever), to_hex(params_->genesis->raw()) + "\n");
    UniValue with_details, without;
    ASSERT_TRUE(with_details.read(body("/rest/block/" + genesis + ".json")));
    ASSERT_TRUE(without.read(body("/rest/block/notxdetails/" + genesis + ".json?x=y")));
    EXPECT_TRUE(with_details["tx"][0].isObject());
    EXPECT_TRUE(without["tx"][0].isStr());
    EXPECT_EQ(refusal("/rest/block/" + genesis, 404), "output format not found (available: .bin, .hex, .json)");
    EXPECT_EQ(refusal("/rest/block/" + genesis + ".txt", 400), "Invalid hash: " + genesis + ".txt");
    EXPECT_EQ(refusal("/rest/block/" + hash(5) + ".bin", 404), hash(5) + " not available (pruned data)");
    const std::string unknown(64, '0');
    EXPECT_EQ(refusal("/rest/block/" + unknown + ".json", 404), unknown + " not found");
}

TEST_F(RestRoutes, GiveAPartOfABlock) {
    const std::string path = "/rest/blockpart/" + hash(0);
    const std::string raw(as_text(params_->genesis->raw()));
    EXPECT_EQ(body(path + ".bin?offset=80&size=1", kForever), raw.substr(80, 1));
    EXPECT_EQ(body(path + ".bin?size=" + std::to_string(raw.size()) + "&offset=0", kForever), raw);
    EXPECT_EQ(refusal(path + ".bin?size=1", 400), "Block part offset missing or invalid");
    EXPECT_EQ(refusal(path + ".bin?offset=-1&size=1", 400), "Block part offset missing or invalid");
    EXPECT_EQ(refusal(path + ".bin?offset=0", 400), "Block part size missing or invalid");
    EXPECT_EQ(refusal(path + ".bin?offset=0&size=0", 400), "Bad block part offset/size 0/0 for " + hash(0));
    const std::string beyond = std::to_string(raw.size());
    EXPECT_EQ(refusal(path + ".bin?offset=1&size=" + beyond, 400), "Bad block part offset/size 1/" + beyond + " for " + hash(0));
    EXPECT_EQ(refusal(path + ".hex?offset=18446744073709551615&size=2", 400),
              "Bad block part offset/size 18446744073709551615/2 for " + hash(0));
    EXPECT_EQ(refusal(path + ".json?offset=0&size=1", 400), "JSON output is not supported for this request type");
}

TEST_F(RestRoutes, GiveHeadersOfTheActiveChain) {
    EXPECT_EQ(body("/rest/headers/" + hash(3) + ".bin?count=4").size(), 4 * BlockHeader::kSize);
    EXPECT_EQ(body("/rest/headers/" + hash(3) + ".bin").size(), 5 * BlockHeader::kSize);
    EXPECT_EQ(body("/rest/headers/2000/" + hash(9) + ".bin").size(), 2 * BlockHeader::kSize);
    EXPECT_EQ(body("/rest/headers/" + std::string(64, '0') + ".bin"), "");
    UniValue headers;
    ASSERT_TRUE(headers.read(body("/rest/headers/" + hash(3) + ".json?count=1")));
    EXPECT_EQ(headers[0]["height"].get_int(), 3);
    EXPECT_EQ(headers[0]["nextblockhash"].get_str(), hash(4));
    for (const char* count : {"0", "2001", "-1", "x", ""}) {
        EXPECT_EQ(refusal("/rest/headers/" + hash(3) + ".bin?count=" + count, 400),
                  std::string("Header count is invalid or out of acceptable range (1-2000): ") + count);
    }
    EXPECT_EQ(refusal("/rest/headers/1/2/" + hash(3) + ".bin", 400),
              "Invalid URI format. Expected /rest/headers/<hash>.<ext>?count=<count>");
    EXPECT_EQ(refusal("/rest/headers/" + hash(3) + "%", 400), "Invalid hash: " + hash(3) + "%");
}

TEST_F(RestRoutes, FindHashesByHeight) {
    EXPECT_EQ(body("/rest/blockhashbyheight/7.hex"), hash(7) + "\n");
    EXPECT_EQ(body("/rest/blockhashbyheight/7.json"), "{\"blockhash\":\"" + hash(7) + "\"}\n");
    EXPECT_EQ(body("/rest/blockhashbyheight/7.bin"), std::string(as_text(chain_.view()->at(7)->hash.span())));
    EXPECT_EQ(refusal("/rest/blockhashbyheight/11.bin", 404), "Block height out of range");
    EXPECT_EQ(refusal("/rest/blockhashbyheight/-1.bin", 400), "Invalid height: -1");
    EXPECT_EQ(refusal("/rest/blockhashbyheight/1\x01<.bin", 400), "Invalid height: 1");
}

TEST_F(RestRoutes, TellOfFiltersThatTheyAreNotIndexed) {
    EXPECT_EQ(refusal("/rest/blockfilter/basic/" + hash(1) + ".bin", 400), "Index is not enabled for filtertype basic");
    EXPECT_EQ(refusal("/rest/blockfilter/odd/" + hash(1) + ".bin", 400), "Unknown filtertype odd");
    EXPECT_EQ(refusal("/rest/blockfilter/basic.bin", 400),
              "Invalid URI format. Expected /rest/blockfilter/<filtertype>/<blockhash>");
    EXPECT_EQ(refusal("/rest/blockfilterheaders/basic/5/" + hash(1) + ".bin", 400), "Index is not enabled for filtertype basic");
    EXPECT_EQ(refusal("/rest/blockfilterheaders/basic/" + hash(1) + ".bin?count=0", 400),
              "Header count is invalid or out of acceptable range (1-2000): 0");
}

TEST_F(RestRoutes, ListWhatABlockSpent) {
    const HeaderNode* node = chain_.view()->at(4);
    chain_.undos[node] = {{Coin{5'000, {0x51}, 2, false}, Coin{7, {}, 1, true}}};
    // Two transactions, the first without inputs; the second with two coins.
    EXPECT_EQ(body("/rest/spenttxouts/" + hash(4) + ".hex", kForever), "020002881300000000000001510700000000000000" "00\n");
    UniValue json;
    ASSERT_TRUE(json.read(body("/rest/spenttxouts/" + hash(4) + ".json", kForever)));
    EXPECT_EQ(json.size(), 2u);
    EXPECT_EQ(json[0].size(), 0u);
    EXPECT_EQ(json[1][0]["scriptPubKey"]["hex"].get_str(), "51");
    EXPECT_EQ(refusal("/rest/spenttxouts/" + hash(5) + ".bin", 404), hash(5) + " undo not available");
    EXPECT_EQ(body("/rest/spenttxouts/" + hash(0) + ".hex", kForever), "0100\n");
}

TEST_F(RestRoutes, FindUnspentOutputs) {
    const OutPoint known{Txid(chain_.view()->at(1)->hash), 0};
    chain_.coins[known] = Coin{1'000, {0x51}, 6, false};
    const std::string id = known.txid.to_display_hex();
    UniValue json;
    ASSERT_TRUE(json.read(body("/rest/getutxos/checkmempool/" + id + "-0/" + id + "-1.json")));
    EXPECT_EQ(json["chainHeight"].get_int(), 10);
    EXPECT_EQ(json["bitmap"].get_str(), "10");
    EXPECT_EQ(json["utxos"].size(), 1u);
    EXPECT_EQ(json["utxos"][0]["height"].get_int(), 6);

    Bytes question{1, 1};
    question.insert(question.end(), known.txid.data(), known.txid.data() + 32);
    question.insert(question.end(), {0, 0, 0, 0});
    const http::HttpResponse answer = get("/rest/getutxos.bin", std::string(as_text(question)));
    EXPECT_EQ(answer.status, 200);
    const Bytes raw = to_bytes(as_bytes(answer.body));
    EXPECT_EQ(to_hex(ByteSpan(raw).subspan(36)), "0101" "01" "00000000" "06000000" "e803000000000000" "0151");
    EXPECT_EQ(get("/rest/getutxos.hex", to_hex(question)).body, to_hex(raw) + "\n");

    EXPECT_EQ(refusal("/rest/getutxos.json", 400), "Error: empty request");
    EXPECT_EQ(refusal("/rest/getutxos/checkmempool.json", 400), "Error: empty request");
    EXPECT_EQ(refusal("/rest/getutxos/checkmempool/" + id + ".json", 400), "Parse error");
    EXPECT_EQ(refusal("/rest/getutxos.bin", 400, "\x01\x02"), "Parse error");
    EXPECT_EQ(refusal("/rest/getutxos/" + id + "-0.bin", 400, std::string(as_text(question))),
              "Combination of URI scheme inputs and raw post data is not allowed");
    std::string many;
    for (int i = 0; i < 16; ++i) many += "/" + id + "-" + std::to_string(i);
    EXPECT_EQ(refusal("/rest/getutxos" + many + ".json", 400), "Error: max outpoints exceeded (max: 15, tried: 16)");
    context_.mempool = nullptr;
    EXPECT_EQ(refusal("/rest/getutxos/checkmempool/" + id + "-0.json", 404), "Mempool disabled or instance not found");
}

TEST_F(RestRoutes, ShowTheMempool) {
    EXPECT_EQ(body("/rest/mempool/contents.json"), "{}\n");
    EXPECT_EQ(body("/rest/mempool/contents.json?verbose=false"), "[]\n");
    EXPECT_EQ(body("/rest/mempool/contents.json?verbose=false&mempool_sequence=true"), "{\"txids\":[],\"mempool_sequence\":1}\n");
    EXPECT_EQ(refusal("/rest/mempool/contents.json?verbose=1", 400),
              "The \"verbose\" query parameter must be either \"true\" or \"false\".");
    EXPECT_EQ(refusal("/rest/mempool/contents.json?mempool_sequence=true", 400),
              "Verbose results cannot contain mempool sequence values. (hint: set \"verbose=false\")");
    EXPECT_EQ(refusal("/rest/mempool/other.json", 400), "Invalid URI format. Expected /rest/mempool/<info|contents>.json");
    EXPECT_EQ(refusal("/rest/mempool/info.bin", 404), "output format not found (available: json)");
    const std::string unknown(64, '1');
    EXPECT_EQ(refusal("/rest/tx/" + unknown + ".json", 404), unknown + " not found");
}

}  // namespace
}  // namespace cairn::node
