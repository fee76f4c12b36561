#include "net/io/detail/tor_control.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <charconv>
#include <set>

#include "consensus/base/hex.hpp"
#include "consensus/crypto/hmac.hpp"

namespace cairn::net::detail {
namespace {

constexpr int kOk = 250, kUnrecognized = 510, kSyntaxError = 512;
constexpr std::uint16_t kSocksPort = 9050;
constexpr std::string_view kServerKey = "Tor safe cookie authentication server-to-controller hash";
constexpr std::string_view kClientKey = "Tor safe cookie authentication controller-to-server hash";

bool is_octal(char c) { return c >= '0' && c <= '7'; }

/// Without the backslashes: C's escapes, octal up to \377, and otherwise the character itself.
std::string unescape(std::string_view text) {
    std::string out;
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] != '\\' || i + 1 == text.size()) {
            out += text[i];
            continue;
        }
        const char c = text[++i];
        if (c == 'n') out += '\n';
        else if (c == 't') out += '\t';
        else if (c == 'r') out += '\r';
        else if (is_octal(c)) {
            std::size_t digits = 1;
            while (digits < (c > '3' ? 2u : 3u) && i + digits < text.size() && is_octal(text[i + digits])) ++digits;
            unsigned value = 0;
            for (std::size_t k = 0; k < digits; ++k) value = value * 8 + static_cast<unsigned>(text[i + k] - '0');
            out += static_cast<char>(value);
            i += digits - 1;
        } else {
            out += c;
        }
    }
    return out;
}

/// Tor's words, fit for the log.
std::string printable(std::string_view text) {
    std::string out;
    for (const char c : text)
        if (c >= ' ' && c < 127) out += c;
    return out;
}

Bytes cookie_hash(std::string_view key, ByteSpan cookie, ByteSpan client_nonce, ByteSpan server_nonce) {
    Bytes text = to_bytes(cookie);
    text.insert(text.end(), client_nonce.begin(), client_nonce.end());
    text.insert(text.end(), server_nonce.begin(), server_nonce.end());
    const Uint256 hash = hmac_sha256(as_bytes(key), text);
    return to_bytes(hash.span());
}

/// The words of `"a" "b"` or `a b`, without their quotes.
std::vector<std::string> words_of(std::string_view text) {
    std::vector<std::string> words;
    while (!text.empty()) {
        std::string_view word = text.substr(0, text.find(' '));
        text.remove_prefix(std::min(text.size(), word.size() + 1));
        if (word.size() >= 2 && (word.front() == '"' || word.front() == '\'') && word.back() == word.front()) word = word.substr(1, word.size() - 2);
        if (!word.empty()) words.emplace_back(word);
    }
    return words;
}

}  // namespace

std::pair<std::string, std::string> split_tor_line(std::string_view line) {
    const std::size_t space = line.find(' ');
    if (space == std::string_view::npos) return {std::string(line), {}};
    return {std::string(line.substr(0, space)), std::string(line.substr(space + 1))};
}

std::map<std::string, std::string> parse_tor_mapping(std::string_view text) {
    std::map<std::string, std::string> mapping;
    std::size_t at = 0;
    while (at < text.size()) {
        const std::size_t end = text.find_first_of("= ", at);
        if (end == std::string_view::npos) return {};
        if (text[end] == ' ') break;  // what follows are other arguments
        const std::string key(text.substr(at, end - at));
        at = end + 1;
        if (at < text.size() && text[at] == '"') {
            const std::size_t start = ++at;
            bool escaped = false;
            while (at < text.size() && (escaped || text[at] != '"')) {
                escaped = text[at] == '\\' && !escaped;
                ++at;
            }
            if (at == text.size()) return {};
            mapping[key] = unescape(text.substr(start, at - start));
            ++at;
        } else {
            const std::size_t stop = std::min(text.find(' ', at), text.size());
            mapping[key] = text.substr(at, stop - at);
            at = stop;
        }
        if (at < text.size() && text[at] == ' ') ++at;
    }
    return mapping;
}

TorControl::TorControl(Options options) : options_(std::move(options)) { command("PROTOCOLINFO 1", &TorControl::on_protocol_info); }

void TorControl::command(const std::string& text, Handler handler) {
    say(as_bytes(text + "\r\n"));
    handlers_.push_back(handler);
}

std::size_t TorControl::on_bytes(ByteSpan bytes) {
    std::string_view rest = as_text(bytes);
    while (!rest.empty() && state() == State::running) {
        const std::size_t end = rest.find('\n');
        line_ += rest.substr(0, end);
        rest.remove_prefix(end == std::string_view::npos ? rest.size() : end + 1);
        if (line_.size() > kMaxLine) return fail_with("Error processing receive buffer: line is too long"), bytes.size();
        if (end == std::string_view::npos) break;
        std::string line = std::exchange(line_, {});
        if (line.ends_with('\r')) line.pop_back();
        on_line(line);
    }
    return bytes.size();
}

/// `250-text`, `250+text`, and `250 text` at the end of a reply.
void TorControl::on_line(std::string_view line) {
    if (reply_.lines.size() == kMaxLines)
        return fail_with(fmt::format("Error processing receive buffer: Control port reply exceeded {} lines, disconnecting", kMaxLines));
    if (line.size() < 4) return;
    int code = 0;
    const auto [end, error] = std::from_chars(line.data(), line.data() + 3, code);
    reply_.code = error == std::errc() && end == line.data() + 3 ? code : 0;
    reply_.lines.emplace_back(line.substr(4));
    if (line[3] != ' ') return;
    const Reply reply = std::exchange(reply_, {});
    if (reply.code >= 600) return debug(fmt::format("Received async notification {}", reply.code));
    if (handlers_.empty()) return debug(fmt::format("Received unexpected sync reply {}", reply.code));
    const Handler handler = handlers_.front();
    handlers_.erase(handlers_.begin());
    (this->*handler)(reply);
}

void TorControl::on_silence(bool) {
    if (state() == State::running) fail_with("End of stream");
}

// --- who we are

void TorControl::on_protocol_info(const Reply& reply) {
    if (reply.code != kOk) return warn("Requesting protocol info failed");
    std::set<std::string> methods;
    std::string cookie_file;
    for (const std::string& line : reply.lines) {
        const auto [type, arguments] = split_tor_line(line);
        auto mapping = parse_tor_mapping(arguments);
        if (type == "AUTH") {
            std::string_view list = mapping["METHODS"];
            while (!list.empty()) {
                const std::string_view method = list.substr(0, list.find(','));
                methods.emplace(method);
                list.remove_prefix(std::min(list.size(), method.size() + 1));
            }
            if (mapping.contains("COOKIEFILE")) cookie_file = mapping["COOKIEFILE"];
        } else if (type == "VERSION" && mapping.contains("Tor")) {
            debug("Connected to Tor version " + printable(mapping["Tor"]));
        }
    }
    for (const std::string& method : methods) debug("Supported authentication method: " + printable(method));
    if (!options_.password.empty()) {
        if (!methods.contains("HASHEDPASSWORD"))
            return warn("Password provided with -torpassword, but HASHEDPASSWORD authentication is not available");
        debug("Using HASHEDPASSWORD authentication");
        std::string quoted;
        for (const char c : options_.password) {
            if (c == '"') quoted += '\\';
            quoted += c;
        }
        command("AUTHENTICATE \"" + quoted + "\"", &TorControl::on_authenticated);
    } else if (methods.contains("NULL")) {
        debug("Using NULL authentication");
        command("AUTHENTICATE", &TorControl::on_authenticated);
    } else if (methods.contains("SAFECOOKIE")) {
        authenticate_by_cookie(cookie_file);
    } else if (methods.contains("HASHEDPASSWORD")) {
        warn("The only supported authentication mechanism left is password, but no password provided with -torpassword");
    } else {
        warn("No supported authentication method");
    }
}

void TorControl::authenticate_by_cookie(const std::string& path) {
    debug("Using SAFECOOKIE authentication, reading cookie authentication from " + printable(path));
    auto cookie = options_.read_cookie(path);
    if (!cookie) return warn(fmt::format("Authentication cookie {} could not be opened (check permissions)", printable(path)));
    if (cookie->size() != kCookieSize)
        return warn(fmt::format("Authentication cookie {} is not exactly {} bytes, as is required by the spec", printable(path), kCookieSize));
    cookie_ = std::move(*cookie);
    command("AUTHCHALLENGE SAFECOOKIE " + to_hex(options_.nonce), &TorControl::on_challenge);
}

/// Tor shows that it knows the cookie, too, before we do.
void TorControl::on_challenge(const Reply& reply) {
    if (reply.code != kOk) return warn("SAFECOOKIE authentication challenge failed");
    debug("SAFECOOKIE authentication challenge successful");
    const auto [type, arguments] = split_tor_line(reply.lines.front());
    if (type != "AUTHCHALLENGE") return warn("Invalid reply to AUTHCHALLENGE");
    auto mapping = parse_tor_mapping(arguments);
    if (mapping.empty()) return warn("Error parsing AUTHCHALLENGE parameters: " + printable(arguments));
    const Bytes server_hash = from_hex(mapping["SERVERHASH"]).value_or(Bytes());
    const Bytes server_nonce = from_hex(mapping["SERVERNONCE"]).value_or(Bytes());
    if (server_nonce.size() != kNonceSize) return warn("ServerNonce is not 32 bytes, as required by spec");
    const Bytes expected = cookie_hash(kServerKey, cookie_, options_.nonce, server_nonce);
    if (server_hash.size() != expected.size() || !equal_in_constant_time(server_hash, expected))
        return warn(fmt::format("ServerHash {} does not match expected ServerHash {}", to_hex(server_hash), to_hex(expected)));
    command("AUTHENTICATE " + to_hex(cookie_hash(kClientKey, cookie_, options_.nonce, server_nonce)), &TorControl::on_authenticated);
}

// --- what we want

void TorControl::on_authenticated(const Reply& reply) {
    if (reply.code != kOk) return warn("Authentication failed");
    debug("Authentication successful");
    if (options_.ask_for_socks) command("GETINFO net/listeners/socks", &TorControl::on_socks);
    if (options_.private_key.empty()) options_.private_key = "NEW:ED25519-V3";
    add_service(true);
}

void TorControl::on_socks(const Reply& reply) {
    std::string location;
    if (reply.code == kOk) {
        for (const std::string& line : reply.lines) {
            if (!line.starts_with("net/listeners/socks=")) continue;
            for (const std::string& word : words_of(std::string_view(line).substr(20))) {
                location = word;
                if (word.starts_with("127.0.0.1:")) break;
            }
        }
        if (location.empty()) warn("Get SOCKS port command returned nothing");
        else debug("Get SOCKS port command yielded " + printable(location));
    } else if (reply.code == kUnrecognized) {
        warn("Get SOCKS port command failed with unrecognized command (You probably should upgrade Tor)");
    } else {
        warn(fmt::format("Get SOCKS port command failed; error code {}", reply.code));
    }
    auto proxy = Endpoint::parse(location, kSocksPort);
    if (!proxy || !proxy->address.is_ip()) proxy = Endpoint::parse("127.0.0.1", kSocksPort);
    debug("Configuring onion proxy for " + proxy->to_string());
    options_.on_socks(*proxy);
}

void TorControl::add_service(bool pow) {
    // Always under the network's usual port: another one would tell this node from others.
    command(fmt::format("ADD_ONION {}{} Port={},{}", options_.private_key, pow ? " PoWDefensesEnabled=1" : "", options_.service_port, options_.target),
            pow ? &TorControl::on_service_with_pow : &TorControl::on_service_without_pow);
}

void TorControl::on_service(const Reply& reply, bool pow) {
    if (reply.code == kUnrecognized) return warn("Add onion failed with unrecognized command (You probably need to upgrade Tor)");
    if (reply.code == kSyntaxError && pow) {
        debug("ADD_ONION failed with PoW defenses, retrying without");
        return add_service(false);
    }
    if (reply.code != kOk) return warn(fmt::format("Add onion failed; error code {}", reply.code));
    debug(fmt::format("ADD_ONION successful (PoW defenses {})", pow ? "enabled" : "disabled"));
    std::string id;
    for (const std::string& line : reply.lines) {
        auto mapping = parse_tor_mapping(line);
        if (mapping.contains("ServiceID")) id = mapping["ServiceID"];
        if (mapping.contains("PrivateKey")) options_.private_key = mapping["PrivateKey"];
    }
    if (id.empty()) {
        warn("Error parsing ADD_ONION parameters:");
        for (const std::string& line : reply.lines) warn("    " + printable(line));
        return;
    }
    options_.on_service(id, options_.private_key);
}

}  // namespace cairn::net::detail
