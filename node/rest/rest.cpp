#include "node/rest/rest.hpp"

#include "net/http/rpc_error.hpp"
#include "node/rest/detail/request.hpp"

namespace cairn::node {

namespace {

struct Route {
    std::string_view prefix;
    rest::Handler handler;
};

/// The first whose prefix fits answers.
constexpr Route kRoutes[] = {
    {"/rest/tx/", rest::transaction},
    {"/rest/block/notxdetails/", rest::block_without_details},
    {"/rest/block/", rest::block},
    {"/rest/blockpart/", rest::block_part},
    {"/rest/blockfilter/", rest::block_filter},
    {"/rest/blockfilterheaders/", rest::block_filter_headers},
    {"/rest/chaininfo", rest::chain_info},
    {"/rest/mempool/", rest::mempool},
    {"/rest/headers/", rest::headers},
    {"/rest/getutxos", rest::unspent_outputs},
    {"/rest/deploymentinfo/", rest::deployment_info},
    {"/rest/deploymentinfo", rest::deployment_info},
    {"/rest/blockhashbyheight/", rest::block_hash_by_height},
    {"/rest/spenttxouts/", rest::spent_outputs},
};

http::HttpResponse answer(const NodeContext& context, const http::RpcTable& table, const Route& route,
                          const http::HttpRequest& request) {
    try {
        if (const auto status = table.warmup_status()) {
            return rest::text(503, "Service temporarily unavailable: " + *status);
        }
        return route.handler({context, table, request, rest::parse_target(request.path_rest)});
    } catch (const rest::Refusal& refusal) {
        return rest::text(refusal.status, refusal.message);
    } catch (const http::RpcError& error) {
        return rest::text(500, error.message);
    }
}

}  // namespace

void Rest::add_routes(http::HttpServer& server) const {
    for (const Route& route : kRoutes) {
        server.add_route(std::string(route.prefix), false, [this, &route](const http::HttpRequest& request) {
            return answer(context_, table_, route, request);
        });
    }
}

http::HttpResponse Rest::handle(http::HttpRequest request) const {
    for (const Route& route : kRoutes) {
        if (!request.target.starts_with(route.prefix)) continue;
        request.path_rest = request.target.substr(route.prefix.size());
        return answer(context_, table_, route, request);
    }
    http::HttpResponse response;
    response.status = 404;
    return response;
}

}  // namespace cairn::node
