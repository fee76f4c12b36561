#pragma once

#include <gtest/gtest.h>

#include "net/http/rpc_table.hpp"
#include "node/rpc/context.hpp"

namespace cairn::test {

/// JSON-RPC without a server: fixtures fill in what methods see and which there are, call open(), and ask.
class RpcDesk {
protected:
    RpcDesk() { context_.rpc = &table_; }

    void open() { table_.finish_warmup(); }
    /// The answer's JSON text, or "code: message" of the error. `params`: JSON text.
    std::string ask(const std::string& method, const std::string& params = "[]") {
        http::RpcRequest request;
        request.method = method;
        EXPECT_TRUE(request.params.read(params)) << params;
        http::JsonWriter out;
        try {
            table_.call(std::move(request), out);
        } catch (const http::RpcError& error) {
            return std::to_string(error.code) + ": " + error.message;
        }
        EXPECT_TRUE(out.complete()) << method;
        return out.take();
    }
    /// The answer, which must not be an error.
    UniValue parsed(const std::string& method, const std::string& params = "[]") {
        UniValue value;
        const std::string text = ask(method, params);
        EXPECT_TRUE(value.read(text)) << text;
        return value;
    }

    http::RpcTable table_;
    node::NodeContext context_;
};

}  // namespace cairn::test
