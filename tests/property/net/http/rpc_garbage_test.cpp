// Mutated request bodies: whatever comes, the answer is well-formed JSON (or empty for notifications) with a known status.
#include <gtest/gtest.h>

#include <univalue.h>

#include "net/http/json_rpc.hpp"
#include "net/http/json_writer.hpp"
#include "tests/support/mutator.hpp"

namespace cairn::http {
namespace {

void fill(RpcTable& table) {
    table.add({"echo", "hidden", "Gives its arguments back.",
               {{"arg0", ArgType::string, optional(), ""}, {"arg1", ArgType::number, optional(), ""},
                {"arg2", ArgType::boolean, optional(), ""}, {"arg3", ArgType::array, optional(), "",
                 {{"x", ArgType::hex, optional(), ""}}}, {"arg4", ArgType::object, optional(), "",
                 {{"y", ArgType::amount, optional(), ""}}}},
               {{ResultType::array, "", "the arguments"}}, "",
               [](const RpcRequest& request, JsonWriter& out) { out.raw(request.params.write()); }});
    table.finish_warmup();
}

TEST(RpcGarbage, EveryBodyGetsAWellFormedAnswer) {
    RpcTable table;
    fill(table);
    Authorizer authorizer;
    const JsonRpc rpc(table, authorizer, false);
    const std::vector<std::string> seeds = {
        R"({"jsonrpc":"1.0","id":"a","method":"echo","params":["x",1,true,["00ff"],{"y":1.5}]})",
        R"({"jsonrpc":"2.0","id":1,"method":"echo","params":{"arg0":"\u00e9\ud83d\ude00","arg1":-1e10,"args":["p"]}})",
        R"([{"jsonrpc":"2.0","method":"echo"},{"id":null,"method":"echo","params":[]},{"method":"nothing"},5])",
        R"({"method":"getblockcount"})",
        R"({"jsonrpc":"2.0","id":9223372036854775807,"method":"echo","params":[[[[[[{"a":[{}]}]]]]]]})",
    };
    constexpr std::uint64_t kSeed = 20251;
    test::Mutator mutator(kSeed);
    const std::uint64_t rounds = test::garbage_rounds(50'000);
    for (std::uint64_t round = 0; round < rounds; ++round) {
        const std::string& seed = seeds[mutator.below(seeds.size())];
        const Bytes body = mutator.mutate(to_bytes(as_bytes(seed)));
        const HttpResponse answer = rpc.execute(as_text(body), "user", "127.0.0.1:1", "/");
        ASSERT_TRUE(answer.status == 200 || answer.status == 204 || answer.status == 400 || answer.status == 404 ||
                    answer.status == 500) << "round " << round << ", seed " << kSeed << ": " << answer.status;
        if (answer.status == 204) continue;
        UniValue parsed;
        ASSERT_TRUE(parsed.read(answer.body)) << "round " << round << ", seed " << kSeed << ": " << as_text(body) << "\n" << answer.body;
    }
    std::printf("%llu bodies\n", static_cast<unsigned long long>(rounds));
}

TEST(RpcGarbage, DeepNestingIsRefusedNotFollowed) {
    RpcTable table;
    fill(table);
    Authorizer authorizer;
    const JsonRpc rpc(table, authorizer, false);
    const HttpResponse answer = rpc.execute(std::string(1'000'000, '['), "user", "127.0.0.1:1", "/");
    EXPECT_EQ(answer.status, 500);
    EXPECT_NE(answer.body.find("Parse error"), std::string::npos);
}

}  // namespace
}  // namespace cairn::http
