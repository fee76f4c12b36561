// Mutated request bodies to the methods of the node that take bytes, scripts, descriptors and hashes apart: whatever comes,
// the answer is well-formed JSON with a known status.
#include <gtest/gtest.h>

#include <univalue.h>

#include "consensus/base/hex.hpp"
#include "net/http/json_rpc.hpp"
#include "net/http/rpc_table.hpp"
#include "node/rpc/context.hpp"
#include "tests/support/mutator.hpp"
#include "tests/support/scripted_chain.hpp"

namespace cairn::node {
namespace {

constexpr std::uint64_t kSeed = 20260823;

std::vector<std::string> seed_bodies(const ChainParams& params, const std::string& tip) {
    const std::string genesis = params.genesis_hash().to_display_hex();
    const std::string block = to_hex(params.genesis->raw());
    const std::string coinbase = to_hex(params.genesis->txs()[0].raw);
    const std::string txid = params.genesis->txs()[0].txid.to_display_hex();
    const std::string key = "0279be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798";
    const std::string x_only = key.substr(2);
    // BIP144: one input with two witness items, one output.
    const std::string spend = "02000000000101" + std::string(64, 'a') + "0000000000fdffffff01e803000000000000160014" + std::string(40, '1') +
                              "0203010203021122" + "00000000";
    std::vector<std::string> bodies;
    const auto add = [&](const std::string& method, const std::string& arguments) {
        bodies.push_back(R"({"id":1,"method":")" + method + R"(","params":[)" + arguments + "]}");
    };
    const auto text = [](const std::string& value) { return '"' + value + '"'; };
    add("decoderawtransaction", text(spend));
    add("decoderawtransaction", text(coinbase) + ",false");
    for (const std::string& script : {"5221" + key + "21" + key + "52ae", "76a914" + std::string(40, '2') + "88ac", "5120" + x_only,
                                      "21" + key + "ad8201208763a914" + std::string(40, '3') + "8867029000b268", std::string("4c02ff4e0500000001")}) {
        add("decodescript", text(script));
    }
    for (const std::string& descriptor :
         {"wpkh(" + key + ")", "wsh(multi(1," + key + "," + key + "))", "tr(" + x_only + ",{pk(" + x_only + "),multi_a(1," + x_only + ")})",
          "wsh(and_v(v:pk(" + key + "),or_d(pk(" + key + "),older(12960))))", "sh(sortedmulti(2," + key + "," + key + "))", std::string("raw(51)#8lvh9jxk"),
          std::string("addr(bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080)")}) {
        add("getdescriptorinfo", text(descriptor));
        add("deriveaddresses", text(descriptor) + ",[0,2]");
    }
    for (const char* address : {"bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080", "mipcBbFg9gMiCh81Kj8tqqdgoZub1ZJRfn"}) {
        add("validateaddress", text(address));
    }
    add("submitblock", text(block));
    add("submitheader", text(block.substr(0, 160)));
    add("getblock", text(genesis) + ",3");
    add("getblockheader", text(tip) + ",true");
    add("getblockhash", "7");
    add("getblockstats", text(genesis) + R"(,["minfeerate","avgfeerate","height"])");
    add("getchaintxstats", "5," + text(tip));
    add("getrawtransaction", text(txid) + ",2," + text(genesis));
    add("gettxout", text(txid) + ",0,true");
    add("gettxoutsetinfo", R"("muhash")");
    bodies.push_back(R"({"jsonrpc":"2.0","id":"x","method":"getblockheader","params":{"blockhash":")" + tip + R"(","verbose":false}})");
    return bodies;
}

TEST(RpcMethodGarbage, EveryBodyGetsAWellFormedAnswer) {
    const ChainParamsPtr params = make_params(Network::regtest);
    test::ScriptedChain chain(*params);
    for (int i = 0; i < 10; ++i) chain.extend();
    net::Clock clock;
    http::RpcTable table;
    NodeContext context;
    context.params = params.get();
    context.chain = &chain;
    context.clock = &clock;
    context.rpc = &table;
    register_methods(table, context);
    table.finish_warmup();
    http::Authorizer authorizer;
    const http::JsonRpc rpc(table, authorizer, false);

    const std::vector<std::string> seeds = seed_bodies(*params, chain.view()->tip->hash.to_display_hex());
    test::Mutator mutator(kSeed);
    const std::uint64_t rounds = test::garbage_rounds(20'000);
    std::uint64_t good = 0;
    for (std::uint64_t round = 0; round < rounds; ++round) {
        const std::string& seed = seeds[mutator.below(seeds.size())];
        const Bytes body = mutator.mutate_text(seed);
        const http::HttpResponse answer = rpc.execute(as_text(body), "user", "127.0.0.1:1", "/");
        good += answer.status == 200;
        ASSERT_TRUE(answer.status == 200 || answer.status == 204 || answer.status == 400 || answer.status == 404 || answer.status == 500)
            << "round " << round << ", seed " << kSeed << ": " << answer.status;
        if (answer.status == 204) continue;
        UniValue parsed;
        ASSERT_TRUE(parsed.read(answer.body)) << "round " << round << ", seed " << kSeed << ": " << as_text(body) << "\n" << answer.body;
    }
    std::printf("%llu bodies, %llu answered with a result\n", static_cast<unsigned long long>(rounds), static_cast<unsigned long long>(good));
    EXPECT_GT(good, 0u);
}

}  // namespace
}  // namespace cairn::node
