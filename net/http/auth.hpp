#pragma once

#include <filesystem>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "consensus/base/result.hpp"
#include "consensus/crypto/locked_memory.hpp"

namespace cairn::http {

/// Who may call, and what. Constant after construction.
/// Thread: any.
class Authorizer {
public:
    /// One line of -rpcauth: user:salt$hash, hash = HMAC-SHA256(salt, password) in hex. False when malformed.
    bool add_hashed(std::string_view line);
    void add_plain(std::string_view user, std::string_view password);
    /// -rpcwhitelist: "user:method, method". A second list for the same user leaves what both name.
    void add_whitelist(std::string_view line);
    /// -rpcwhitelistdefault: users without a list may call nothing.
    void set_whitelist_default(bool on) { whitelist_default_ = on; }

    /// The user of an Authorization header when its password is right.
    std::optional<std::string> check(std::string_view authorization_header) const;
    /// False when the user may not call anything at all.
    bool allowed_any(const std::string& user) const { return has_whitelist(user) || !whitelist_default_; }
    bool has_whitelist(const std::string& user) const { return whitelists_.contains(user); }
    bool allowed(const std::string& user, const std::string& method) const;

private:
    struct Credential {
        std::string user;
        SecretText salt, hash;  ///< by which a password could be guessed: out of core dumps and swap
    };
    std::vector<Credential> credentials_;
    std::map<std::string, std::set<std::string>> whitelists_;
    bool whitelist_default_ = false;
};

inline constexpr std::string_view kCookieUser = "__cookie__";

/// Writes "__cookie__:<64 hex digits>" to `path` by way of a temporary file and gives the password; or what went wrong.
/// `permissions`: of the finished file; without them the process' umask decides.
Result<std::string, std::string> write_cookie(const std::filesystem::path& path,
                                              std::optional<std::filesystem::perms> permissions);

std::string base64_encode(std::string_view text);
/// nullopt when it is not base64 with its padding.
std::optional<std::string> base64_decode(std::string_view text);
/// HMAC-SHA256 in lower-case hexadecimal.
std::string hmac_sha256_hex(std::string_view key, std::string_view message);

}  // namespace cairn::http
