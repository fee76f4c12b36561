#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>

#include "consensus/base/result.hpp"
#include "net/http/json_rpc.hpp"

/// The wallet's page for a browser on the same computer.
namespace cairn::light {

/// Serves the page and answers its calls. Thread: the owner; answers are given on the server's threads.
class WebFace {
public:
    struct Options {
        std::uint16_t port = 0;             ///< of 127.0.0.1; 0: any that is free
        std::filesystem::path token_file;   ///< gets the page's address; readable by the owner only
        int threads = 4;
    };

    /// `table` outlives this.
    WebFace(const http::RpcTable& table, Options options);
    ~WebFace();
    WebFace(const WebFace&) = delete;
    WebFace& operator=(const WebFace&) = delete;

    /// Begins to listen. Errors: for people.
    Result<void, std::string> start();
    void stop();

    /// "http://127.0.0.1:8344/#<token>": whoever has it can use the wallet.
    std::string address() const;

    /// One request, whatever it came through.
    http::HttpResponse answer(const http::HttpRequest& request) const;

private:
    http::HttpResponse answer_call(const http::HttpRequest& request) const;
    http::HttpResponse answer_qr(const http::HttpRequest& request) const;
    bool names_us(const http::HttpRequest& request) const;
    bool has_token(const http::HttpRequest& request) const;

    Options options_;
    http::Authorizer authorizer_;
    http::JsonRpc rpc_;
    std::string token_;
    std::unique_ptr<http::HttpServer> server_;
};

}  // namespace cairn::light
