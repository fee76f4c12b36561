#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "consensus/base/bytes.hpp"
#include "consensus/base/result.hpp"
#include "consensus/base/uint256.hpp"
#include "consensus/crypto/locked_memory.hpp"
#include "consensus/crypto/scrypt.hpp"

namespace cairn::light {

/// Why a secret or a vault cannot be had.
enum class VaultError : std::uint8_t {
    locked,             ///< the passphrase is needed first
    wrong_passphrase,
    empty_passphrase,
    not_encrypted,      ///< there is no passphrase that could be asked for or changed
    already_encrypted,
    unknown_secret,     ///< no secret has this name
    bad_name,           ///< a name has 1 to Vault::kMaxNameSize bytes
    too_large,          ///< a secret has at most Vault::kMaxSecretSize bytes
    damaged,            ///< what is stored is not what was written
    bad_parameters,     ///< the stored cost of the passphrase is out of bounds
    newer_format,       ///< written by a later version
};
/// For people.
std::string_view to_string(VaultError error);

/// What a host has to store: a key and a value, or that the key is to go.
struct VaultRecord {
    Bytes key;                   ///< at most 1 + Vault::kMaxNameSize bytes; a host puts its own prefix before it
    std::optional<Bytes> value;  ///< none: erase
};

/// The secrets of one wallet (seed, extended private keys, single keys), each under a name, open or encrypted.
///
/// With a passphrase: each secret is sealed by AES-256-GCM under a random master key, and the master key under a key that scrypt
/// makes of the passphrase. What is sealed is bound to the wallet and to its name: records that were swapped or copied from another
/// wallet do not open. A wrong passphrase shows only by the tag of the sealed master key, which is compared in constant time.
/// The master key and every secret that is handed out lie in locked memory and are wiped when they go.
///
/// Sans-I/O: reads no clock and no disk. The host writes take_changes() in one atomic batch after every call that changes something,
/// before it tells anybody that it was done. A store that keeps old values for a while (RocksDB until it compacts) has to be compacted
/// after encrypt() (storage/rocks: forget_old_values), or plain secrets stay on the disk.
/// Thread: one at a time. Cost: whatever takes a passphrase takes scrypt's time, about 0.3 s; all else some µs.
class Vault {
public:
    static constexpr std::size_t kMaxNameSize = 128;
    static constexpr std::size_t kMaxSecretSize = 64 * 1024;

    /// Open: secrets are stored as they are.
    static Vault create();
    /// Errors: empty_passphrase.
    static Result<Vault, VaultError> create(std::string_view passphrase, ScryptCost cost = kDefaultScryptCost);
    /// From all records that were stored. An encrypted vault comes locked. Errors: damaged, bad_parameters, newer_format.
    static Result<Vault, VaultError> load(std::vector<VaultRecord> records);

    Vault(Vault&&) = default;
    Vault& operator=(Vault&&) = default;

    /// Random, made once: tells this wallet from every other.
    const Uint256& id() const { return id_; }
    bool is_encrypted() const { return wrap_.has_value(); }
    /// Can secrets be had and stored at this time? `now_us`: the caller's clock, the one that `until_us` of unlock() is told in.
    bool is_unlocked(std::int64_t now_us) const { return !is_encrypted() || (!master_.empty() && now_us < until_us_); }
    /// When it will lock itself; nullopt when it is locked or not encrypted.
    std::optional<std::int64_t> unlocked_until_us() const;

    /// Errors: not_encrypted, wrong_passphrase (a vault that was unlocked stays as it was), damaged.
    Result<void, VaultError> unlock(std::string_view passphrase, std::int64_t until_us);
    /// Is this the passphrase? Changes nothing.
    Result<void, VaultError> check(std::string_view passphrase) const;
    /// Wipes the master key.
    void lock();
    /// Wipes the master key when its time is over; to be called now and then. Secrets are refused after it in any case.
    void on_time(std::int64_t now_us);

    /// Seals all secrets; the vault is locked afterwards. Errors: already_encrypted, empty_passphrase.
    Result<void, VaultError> encrypt(std::string_view passphrase, ScryptCost cost = kDefaultScryptCost);
    /// Makes a new master key too, so that the old passphrase opens nothing that is stored from now on. Whether it is unlocked stays
    /// as it was. Errors: not_encrypted, wrong_passphrase, empty_passphrase, damaged.
    Result<void, VaultError> change_passphrase(std::string_view old_passphrase, std::string_view new_passphrase,
                                               ScryptCost cost = kDefaultScryptCost);

    /// Stores a secret, in place of one with the same name. Errors: locked, bad_name, too_large.
    Result<void, VaultError> put(std::string_view name, ByteSpan secret, std::int64_t now_us);
    /// Errors: locked, unknown_secret, damaged.
    Result<SecretBytes, VaultError> get(std::string_view name, std::int64_t now_us) const;
    /// Needs no passphrase. Errors: unknown_secret.
    Result<void, VaultError> erase(std::string_view name);
    bool has(std::string_view name) const { return secrets_.contains(name); }
    /// In order.
    std::vector<std::string> names() const;

    /// Everything there is to store, and what changed since the last call.
    std::vector<VaultRecord> records() const;
    std::vector<VaultRecord> take_changes();

private:
    using Name = std::string;
    /// How the master key is kept.
    struct Wrap {
        ScryptCost cost;
        Bytes salt;
        Bytes sealed;
    };

    Vault() = default;
    static Result<Wrap, VaultError> wrap(const Uint256& id, const SecretBytes& master, std::string_view passphrase, ScryptCost cost);
    Result<SecretBytes, VaultError> unwrap(std::string_view passphrase) const;
    Bytes seal(const SecretBytes& master, std::string_view name, ByteSpan secret) const;
    Result<SecretBytes, VaultError> open(const SecretBytes& master, std::string_view name) const;
    VaultRecord header_record() const;
    VaultRecord secret_record(const Name& name) const;
    void mark(const Name& name) { changed_.insert(name); }
    void mark_all();

    Uint256 id_;
    std::optional<Wrap> wrap_;                                ///< none: open
    SecretBytes master_;                                      ///< empty: locked, or open
    std::int64_t until_us_ = 0;
    std::map<Name, SecretBytes, std::less<>> secrets_;        ///< sealed, or plain in an open vault
    std::set<Name> changed_;                                  ///< since take_changes()
    bool header_changed_ = true;
};

}  // namespace cairn::light
