#pragma once

#include "net/http/rpc_table.hpp"
#include "net/http/server.hpp"
#include "node/rpc/context.hpp"

namespace cairn::node {

/// The public read-only interface over HTTP GET (-rest): blocks, headers, transactions, unspent outputs, mempool, as bytes,
/// hexadecimal or JSON.
///
/// Routes, status codes, texts and Cache-Control are Bitcoin Core's. JSON comes from the renderers and methods of JSON-RPC.
/// Limits: 2000 headers, 15 outpoints a request.
/// Thread: any (immutable); the context is read once the RPC table has left its warm-up, 503 before.
class Rest {
public:
    /// Both outlive this object.
    Rest(const NodeContext& context, const http::RpcTable& table) : context_(context), table_(table) {}

    /// Adds every route; before the server starts.
    void add_routes(http::HttpServer& server) const;
    /// Answers as a server with these routes would; 404 without a body when there is no such route.
    http::HttpResponse handle(http::HttpRequest request) const;

private:
    const NodeContext& context_;
    const http::RpcTable& table_;
};

}  // namespace cairn::node
