#include "net/http/json_rpc.hpp"

#include <gtest/gtest.h>

namespace cairn::http {
namespace {

class JsonRpcTest : public ::testing::Test {
protected:
    JsonRpcTest() {
        table.add({"add", "control", "Adds.\n",
                   {{"a", ArgType::number, required(), "one"}, {"b|other", ArgType::number, default_value("1"), "two"}},
                   {{ResultType::number, "", "the sum"}},
                   example_cli("add", "1 2"),
                   [](const RpcRequest& request, JsonWriter& out) { out.number(as_int<int>(request.arg("a")) + request.int_or("other", 1)); }});
        table.add({"options", "hidden", "Takes options.\n",
                   {{"first", ArgType::string, optional(), ""},
                    {"options", ArgType::named_options, optional(), "", {{"rate", ArgType::number, optional(), ""}}}},
                   {{ResultType::any, "", ""}}, "",
                   [](const RpcRequest& request, JsonWriter& out) { out.raw(request.params.write()); }});
        table.add({"half", "control", "Fails after half of an answer.\n", {}, {{ResultType::any, "", ""}}, "",
                   [](const RpcRequest&, JsonWriter& out) {
                       out.begin_object().key("begun");
                       throw RpcError{rpc_code::kMisc, "no more"};
                   }});
        table.finish_warmup();
        authorizer.add_plain("me", "secret");
    }
    HttpResponse run(const std::string& body, const std::string& user = "me") { return rpc.execute(body, user, "127.0.0.1:1", "/"); }

    RpcTable table;
    Authorizer authorizer;
    JsonRpc rpc{table, authorizer, false};
};

TEST_F(JsonRpcTest, AnswersVersionOneWithResultErrorAndId) {
    const auto reply = run(R"({"method":"add","params":[2,3],"id":"x"})");
    EXPECT_EQ(reply.status, 200);
    EXPECT_EQ(reply.content_type, "application/json");
    EXPECT_EQ(reply.body, "{\"result\":5,\"error\":null,\"id\":\"x\"}\n");
}

TEST_F(JsonRpcTest, AnswersRequestsWithoutIdParamsOrVersion) {
    EXPECT_EQ(run("{\"method\":\"options\"}\n").body, "{\"result\":[],\"error\":null}\n");
}

TEST_F(JsonRpcTest, AnswersVersionTwoWithEitherResultOrError) {
    EXPECT_EQ(run(R"({"jsonrpc":"2.0","method":"add","params":[2,3],"id":1})").body, "{\"jsonrpc\":\"2.0\",\"result\":5,\"id\":1}\n");
    const auto unknown = run(R"({"jsonrpc":"2.0","method":"nope","id":1})");
    EXPECT_EQ(unknown.status, 200);
    EXPECT_EQ(unknown.body, "{\"jsonrpc\":\"2.0\",\"error\":{\"code\":-32601,\"message\":\"Method not found\"},\"id\":1}\n");
}

TEST_F(JsonRpcTest, SaysNothingToNotifications) {
    const auto reply = run(R"({"jsonrpc":"2.0","method":"add","params":[1]})");
    EXPECT_EQ(reply.status, 204);
    EXPECT_TRUE(reply.body.empty());
}

TEST_F(JsonRpcTest, MapsVersionOneErrorsToHttpStatus) {
    EXPECT_EQ(run("nonsense").status, 500);
    EXPECT_EQ(run("nonsense").body, "{\"result\":null,\"error\":{\"code\":-32700,\"message\":\"Parse error\"},\"id\":null}\n");
    EXPECT_EQ(run("5").status, 500);
    EXPECT_EQ(run(R"({"method":"nope"})").status, 404);
    EXPECT_EQ(run(R"({"method":5})").status, 400);
    EXPECT_EQ(run(R"({"method":"add","params":5})").status, 400);
    EXPECT_EQ(run(R"({"jsonrpc":"3.0","method":"add"})").status, 400);
    EXPECT_EQ(run(R"({"method":"half"})").body, "{\"result\":null,\"error\":{\"code\":-1,\"message\":\"no more\"}}\n");
}

TEST_F(JsonRpcTest, AnswersBatchesMemberByMember) {
    const auto reply = run(R"([{"method":"add","params":[1],"id":1},{"method":"nope","id":2},{"pizza":1,"id":3},)"
                           R"({"jsonrpc":"2.0","method":"add","params":[1]}])");
    EXPECT_EQ(reply.status, 200);
    EXPECT_EQ(reply.body,
              "[{\"result\":2,\"error\":null,\"id\":1},"
              "{\"result\":null,\"error\":{\"code\":-32601,\"message\":\"Method not found\"},\"id\":2},"
              "{\"result\":null,\"error\":{\"code\":-32600,\"message\":\"Missing method\"},\"id\":3}]\n");
    EXPECT_EQ(run("[]").body, "[]\n");
    EXPECT_EQ(run(R"([{"jsonrpc":"2.0","method":"add","params":[1]}])").status, 204);
}

TEST_F(JsonRpcTest, TakesNamedArguments) {
    EXPECT_EQ(run(R"({"method":"add","params":{"other":4,"a":1}})").body, "{\"result\":5,\"error\":null}\n");
    EXPECT_EQ(run(R"({"method":"add","params":{"args":[1],"b":4}})").body, "{\"result\":5,\"error\":null}\n");
    EXPECT_NE(run(R"({"method":"add","params":{"args":[1,2],"b":4}})").body.find("Parameter b|other specified twice both as positional"),
              std::string::npos);
    EXPECT_NE(run(R"({"method":"add","params":{"a":1,"a":2}})").body.find("Parameter a specified multiple times"), std::string::npos);
    EXPECT_NE(run(R"({"method":"add","params":{"a":1,"c":2}})").body.find("Unknown named parameter c"), std::string::npos);
}

TEST_F(JsonRpcTest, GathersNamedOptions) {
    EXPECT_EQ(run(R"({"method":"options","params":{"rate":2}})").body, "{\"result\":[null,{\"rate\":2}],\"error\":null}\n");
    EXPECT_NE(run(R"({"method":"options","params":{"rate":2,"options":{}}})").body.find("Parameter options conflicts with parameter rate"),
              std::string::npos);
}

TEST_F(JsonRpcTest, GivesTheHelpTextForAWrongNumberOfArguments) {
    const auto reply = run(R"({"method":"add"})");
    EXPECT_EQ(reply.status, 500);
    EXPECT_NE(reply.body.find("\"code\":-1"), std::string::npos);
    EXPECT_NE(reply.body.find("add a ( b )"), std::string::npos);
}

TEST_F(JsonRpcTest, NamesEveryArgumentOfTheWrongType) {
    const auto reply = run(R"({"method":"add","params":["1",true]})");
    EXPECT_NE(reply.body.find("Wrong type passed:\\n{\\n    \\\"Position 1 (a)\\\": \\\"JSON value of type string is not of expected type "
                              "number\\\",\\n    \\\"Position 2 (b|other)\\\""),
              std::string::npos) << reply.body;
}

TEST_F(JsonRpcTest, AnswersNothingButTheStatusWhileWarmingUp) {
    RpcTable cold;
    cold.set_warmup_status("Loading block index…");
    JsonRpc early(cold, authorizer, false);
    EXPECT_NE(early.execute(R"({"method":"add"})", "me", "", "/").body.find("{\"code\":-28,\"message\":\"Loading block index…\"}"),
              std::string::npos);
}

TEST_F(JsonRpcTest, WhitelistsDecideByUserAndMethod) {
    authorizer.add_whitelist("guest:add,options");
    authorizer.add_whitelist("guest:add");
    authorizer.set_whitelist_default(true);
    EXPECT_EQ(run(R"({"method":"add","params":[1]})", "guest").status, 200);
    EXPECT_EQ(run(R"({"method":"options"})", "guest").status, 403);
    EXPECT_EQ(run(R"([{"method":"add","params":[1]},{"method":"options"}])", "guest").status, 403);
    EXPECT_EQ(run(R"({"method":"add","params":[1]})", "me").status, 403);
}

TEST_F(JsonRpcTest, HelpListsMethodsByCategoryAndHidesSome) {
    EXPECT_EQ(table.help(""), "== Control ==\nadd a ( b )\nhalf");
    EXPECT_EQ(table.help("nope"), "help: unknown command: nope");
    EXPECT_EQ(table.help("add"),
              "add a ( b )\n\nAdds.\n\nArguments:\n1. a    (numeric, required) one\n2. b    (numeric, optional, default=1) two\n"
              "\nResult:\nn    (numeric) the sum\n\nExamples:\n> bitcoin-cli add 1 2\n");
}

}  // namespace
}  // namespace cairn::http
