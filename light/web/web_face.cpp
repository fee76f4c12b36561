#include "light/web/web_face.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cstring>

#include "consensus/base/hex.hpp"
#include "consensus/crypto/random.hpp"
#include "light/qr/qr_code.hpp"
#include "light/web/page_files.hpp"
#include "net/http/json_writer.hpp"

namespace cairn::light {
namespace {

using http::HttpRequest;
using http::HttpResponse;

constexpr const char* kUser = "page";
constexpr std::string_view kPageMethods =
    "page:listwallets,getwalletinfo,getbalances,listtransactions,getnewaddress,getblockchaininfo,walletcreatefundedpsbt,send,sendall,decodepsbt,"
    "walletprocesspsbt,sendrawtransaction,walletpassphrase,walletlock,validateaddress";

HttpResponse respond(int status, std::string body, std::string type) {
    HttpResponse response{status, std::move(body), std::move(type), {}};
    response.headers = {
        {"Content-Security-Policy", "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; base-uri 'none'; "
                                    "form-action 'none'; frame-ancestors 'none'"},
        {"X-Content-Type-Options", "nosniff"},
        {"X-Frame-Options", "DENY"},
        {"Referrer-Policy", "no-referrer"},
        {"Cross-Origin-Opener-Policy", "same-origin"},
        {"Cross-Origin-Resource-Policy", "same-origin"},
        {"Cache-Control", "no-store"},
    };
    return response;
}

HttpResponse refuse(int status, std::string reason) { return respond(status, std::move(reason) + "\n", "text/plain; charset=utf-8"); }

/// How long it takes does not tell where they differ.
bool same_text(std::string_view a, std::string_view b) {
    if (a.size() != b.size()) return false;
    unsigned difference = 0;
    for (std::size_t i = 0; i < a.size(); ++i) difference |= static_cast<unsigned char>(a[i]) ^ static_cast<unsigned char>(b[i]);
    return difference == 0;
}

bool write_private_file(const std::filesystem::path& path, const std::string& text) {
    ::unlink(path.c_str());
    const int file = ::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (file < 0) return false;
    const bool written = ::write(file, text.data(), text.size()) == static_cast<ssize_t>(text.size());
    return ::close(file) == 0 && written;
}

std::string_view path_of(const HttpRequest& request) {
    const std::string_view target = request.target;
    return target.substr(0, target.find('?'));
}

}  // namespace

WebFace::WebFace(const http::RpcTable& table, Options options) : options_(std::move(options)), rpc_(table, authorizer_, false) {
    authorizer_.add_whitelist(kPageMethods);
    authorizer_.set_whitelist_default(true);
    std::array<std::uint8_t, 32> random{};
    fill_random(random);
    token_ = to_hex(random);
}

WebFace::~WebFace() { stop(); }

Result<void, std::string> WebFace::start() {
    http::HttpServer::Options options;
    options.binds = {{"127.0.0.1", options_.port}};
    options.threads = options_.threads;
    options.max_body_bytes = 1 << 20;
    server_ = std::make_unique<http::HttpServer>(std::move(options));
    server_->add_route("/", false, [this](const HttpRequest& request) { return answer(request); });
    if (!server_->bind()) {
        server_.reset();
        return fail("The web page cannot listen on 127.0.0.1, port " + std::to_string(options_.port));
    }
    options_.port = server_->ports().front();
    if (!options_.token_file.empty() && !write_private_file(options_.token_file, address() + "\n")) {
        server_.reset();
        return fail("Cannot write " + options_.token_file.string() + ": " + std::strerror(errno));
    }
    server_->start();
    return {};
}

void WebFace::stop() {
    if (!server_) return;
    server_->interrupt();
    server_->stop();
    server_.reset();
    if (!options_.token_file.empty()) ::unlink(options_.token_file.c_str());
}

std::string WebFace::address() const { return "http://127.0.0.1:" + std::to_string(options_.port) + "/#" + token_; }

bool WebFace::names_us(const HttpRequest& request) const {
    const std::string port = ":" + std::to_string(options_.port);
    if (request.host != "127.0.0.1" + port && request.host != "localhost" + port) return false;
    return request.origin.empty() || request.origin == "http://" + request.host;
}

bool WebFace::has_token(const HttpRequest& request) const {
    return request.authorization && same_text(*request.authorization, "Bearer " + token_);
}

HttpResponse WebFace::answer(const HttpRequest& request) const {
    if (!names_us(request)) return refuse(403, "This page is for this computer only");
    const std::string_view path = path_of(request);
    if (request.method == "GET") {
        for (const PageFile& file : page_files()) {
            if (path == file.path) return respond(200, std::string(file.content), file.type);
        }
        return refuse(404, "There is no such page");
    }
    if (request.method != "POST") return refuse(405, "Only GET and POST are answered");
    if (!has_token(request)) return refuse(401, "The page's address is incomplete: open the one that cairn-light gave");
    if (path == "/qr") return answer_qr(request);
    if (path == "/rpc" || path.starts_with("/rpc/wallet/")) return answer_call(request);
    return refuse(404, "There is no such page");
}

HttpResponse WebFace::answer_call(const HttpRequest& request) const {
    if (!request.content_type.starts_with("application/json")) return refuse(415, "Calls are JSON");
    const HttpResponse reply = rpc_.execute(request.body, kUser, request.peer, std::string(path_of(request).substr(4)));
    return respond(reply.status, reply.body, "application/json");
}

HttpResponse WebFace::answer_qr(const HttpRequest& request) const {
    const auto code = make_qr_code(request.body);
    if (!code) return refuse(400, "That does not fit in a QR code");
    http::JsonWriter out;
    out.begin_array();
    for (int y = 0; y < code->size; ++y) {
        std::string row;
        for (int x = 0; x < code->size; ++x) row += code->dark(x, y) ? '1' : '0';
        out.string(row);
    }
    out.end_array();
    return respond(200, out.take(), "application/json");
}

}  // namespace cairn::light
