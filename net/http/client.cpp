#include "net/http/client.hpp"

#include <limits>
#include <optional>

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>

namespace cairn::http {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace bhttp = boost::beast::http;
using asio::ip::tcp;

/// Runs what was started on `io` to its end; the stream's timer bounds it.
beast::error_code finish(asio::io_context& io, const std::optional<beast::error_code>& result) {
    io.restart();
    io.run();
    return result.value_or(asio::error::operation_aborted);
}

std::string text_of(beast::error_code error) {
    if (error == beast::error::timeout) return "timeout";
    if (error == bhttp::error::end_of_stream || error == asio::error::eof) return "EOF";
    return error.message();
}

}  // namespace

Result<ClientResponse, std::string> post(const std::string& host, std::uint16_t port, const std::string& target,
                                         const std::vector<std::pair<std::string, std::string>>& headers, std::string body,
                                         std::chrono::seconds timeout) {
    asio::io_context io{1};
    beast::error_code error;
    tcp::resolver resolver(io);
    const auto endpoints = resolver.resolve(host, std::to_string(port), error);
    if (error || endpoints.empty()) return fail("Could not resolve host: " + host);

    beast::tcp_stream stream(io);
    stream.expires_after(timeout);
    std::optional<beast::error_code> result;
    stream.async_connect(endpoints, [&](beast::error_code e, const tcp::endpoint&) { result = e; });
    if (finish(io, result)) return fail(std::string("Could not connect to the server"));

    bhttp::request<bhttp::string_body> request(bhttp::verb::post, target, 11);
    request.set(bhttp::field::host, host);
    request.set(bhttp::field::connection, "close");
    for (const auto& [name, value] : headers) request.set(name, value);
    request.body() = std::move(body);
    request.prepare_payload();
    result.reset();
    bhttp::async_write(stream, request, [&](beast::error_code e, std::size_t) { result = e; });
    if (finish(io, result)) return fail(std::string("Failed to send HTTP request"));

    beast::flat_buffer buffer;
    bhttp::response_parser<bhttp::string_body> parser;
    parser.body_limit(std::numeric_limits<std::uint64_t>::max());
    result.reset();
    bhttp::async_read(stream, buffer, parser, [&](beast::error_code e, std::size_t) { result = e; });
    if (const auto failed = finish(io, result)) return fail(text_of(failed));
    ClientResponse response;
    response.status = static_cast<int>(parser.get().result_int());
    response.body = std::move(parser.get().body());
    return response;
}

}  // namespace cairn::http
