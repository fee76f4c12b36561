#include "net/http/auth.hpp"


#include <algorithm>
#include <array>
#include <fstream>
#include <iterator>

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>

#include "consensus/base/bytes.hpp"
#include "consensus/base/check.hpp"
#include "consensus/base/hex.hpp"

namespace cairn::http {
namespace {

std::string random_hex(std::size_t bytes) {
    Bytes raw(bytes);
    CAIRN_CHECK(RAND_bytes(raw.data(), static_cast<int>(raw.size())) == 1);
    return to_hex(raw);
}

SecretText secret(std::string_view text) { return {text.begin(), text.end()}; }
std::string_view shown(const SecretText& text) { return {text.data(), text.size()}; }

/// Takes a time that does not depend on where two texts of equal length differ.
bool equal_in_constant_time(std::string_view a, std::string_view b) {
    return a.size() == b.size() && CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

std::set<std::string> split_list(std::string_view text) {
    std::set<std::string> result;
    std::size_t begin = 0;
    while (begin <= text.size()) {
        const std::size_t end = std::min(text.find_first_of(", ", begin), text.size());
        if (end > begin) result.emplace(text.substr(begin, end - begin));
        begin = end + 1;
    }
    return result;
}

}  // namespace

std::string hmac_sha256_hex(std::string_view key, std::string_view message) {
    std::array<unsigned char, 32> out{};
    unsigned length = out.size();
    CAIRN_CHECK(HMAC(EVP_sha256(), key.data(), static_cast<int>(key.size()),
                     reinterpret_cast<const unsigned char*>(message.data()), message.size(), out.data(), &length) != nullptr);
    return to_hex(out);
}

std::string base64_encode(std::string_view text) {
    std::string out(4 * ((text.size() + 2) / 3) + 1, '\0');
    const int length = EVP_EncodeBlock(reinterpret_cast<unsigned char*>(out.data()),
                                       reinterpret_cast<const unsigned char*>(text.data()), static_cast<int>(text.size()));
    out.resize(static_cast<std::size_t>(length));
    return out;
}

std::optional<std::string> base64_decode(std::string_view text) {
    if (text.empty()) return std::string();
    if (text.size() % 4 != 0 || text.size() > (1u << 20)) return std::nullopt;
    std::size_t padding = 0;
    for (std::size_t i = 0; i < text.size(); ++i) {
        const char c = text[i];
        const bool digit = (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '+' || c == '/';
        if (c == '=' && i + 2 >= text.size()) ++padding;
        else if (!digit || padding) return std::nullopt;
    }
    std::string out(text.size() / 4 * 3, '\0');
    if (EVP_DecodeBlock(reinterpret_cast<unsigned char*>(out.data()), reinterpret_cast<const unsigned char*>(text.data()),
                        static_cast<int>(text.size())) < 0) {
        return std::nullopt;
    }
    out.resize(out.size() - padding);
    return out;
}

bool Authorizer::add_hashed(std::string_view line) {
    const std::size_t colon = line.find(':');
    if (colon == std::string_view::npos || line.find(':', colon + 1) != std::string_view::npos) return false;
    const std::string_view rest = line.substr(colon + 1);
    const std::size_t dollar = rest.find('$');
    if (dollar == std::string_view::npos || rest.find('$', dollar + 1) != std::string_view::npos) return false;
    credentials_.push_back({std::string(line.substr(0, colon)), secret(rest.substr(0, dollar)), secret(rest.substr(dollar + 1))});
    return true;
}

void Authorizer::add_plain(std::string_view user, std::string_view password) {
    const std::string salt = random_hex(16);
    credentials_.push_back({std::string(user), secret(salt), secret(hmac_sha256_hex(salt, password))});
}

void Authorizer::add_whitelist(std::string_view line) {
    const std::size_t colon = line.find(':');
    const std::string user(line.substr(0, colon));
    const bool second = whitelists_.contains(user);
    std::set<std::string>& methods = whitelists_[user];
    if (colon == std::string_view::npos) return;
    std::set<std::string> named = split_list(line.substr(colon + 1));
    if (second) {
        std::set<std::string> both;
        std::set_intersection(named.begin(), named.end(), methods.begin(), methods.end(), std::inserter(both, both.end()));
        named = std::move(both);
    }
    methods = std::move(named);
}

std::optional<std::string> Authorizer::check(std::string_view header) const {
    constexpr std::string_view kScheme = "Basic ";
    if (!header.starts_with(kScheme)) return std::nullopt;
    header.remove_prefix(kScheme.size());
    while (!header.empty() && header.front() == ' ') header.remove_prefix(1);
    while (!header.empty() && header.back() == ' ') header.remove_suffix(1);
    const auto decoded = base64_decode(header);
    if (!decoded) return std::nullopt;
    const std::size_t colon = decoded->find(':');
    if (colon == std::string::npos) return std::nullopt;
    const std::string user = decoded->substr(0, colon);
    const std::string_view password = std::string_view(*decoded).substr(colon + 1);
    for (const Credential& credential : credentials_) {
        if (!equal_in_constant_time(credential.user, user)) continue;
        if (equal_in_constant_time(hmac_sha256_hex(shown(credential.salt), password), shown(credential.hash))) return user;
    }
    return std::nullopt;
}

bool Authorizer::allowed(const std::string& user, const std::string& method) const {
    const auto it = whitelists_.find(user);
    return it == whitelists_.end() ? !whitelist_default_ : it->second.contains(method);
}

Result<std::string, std::string> write_cookie(const std::filesystem::path& path,
                                              std::optional<std::filesystem::perms> permissions) {
    const std::string password = random_hex(32);
    std::filesystem::path temporary = path;
    temporary += ".tmp";
    std::error_code error;
    {
        std::ofstream file(temporary, std::ios::trunc);
        file << kCookieUser << ':' << password;
        file.close();
        if (!file) return fail("Unable to open cookie authentication file " + temporary.string() + " for writing");
    }
    std::filesystem::rename(temporary, path, error);
    if (error) {
        return fail("Unable to rename cookie authentication file " + temporary.string() + " to " + path.string());
    }
    if (permissions) {
        std::filesystem::permissions(path, *permissions, std::filesystem::perm_options::replace, error);
        if (error) return fail("Unable to set permissions on cookie authentication file " + path.string());
    }
    return password;
}

}  // namespace cairn::http
