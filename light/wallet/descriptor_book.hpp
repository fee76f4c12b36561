#pragma once

#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "light/wallet/address_type.hpp"
#include "light/wallet/secret_store.hpp"
#include "storage/kv.hpp"

namespace cairn::light {

/// A descriptor of the wallet. Of several paths (BIP389) each is one of its own.
struct WalletDescriptor {
    DescriptorId id;
    std::string text;  ///< public, hardened steps done as far as the keys were known, with its checksum
    std::shared_ptr<const Descriptor> descriptor;
    std::int64_t created = 0;  ///< nothing was paid to it before, seconds since 1970
    std::optional<AddressType> type;
    bool active = false;           ///< gives new addresses of its type
    std::optional<bool> internal;  ///< change rather than receiving; nullopt: nobody said
    bool ranged = false;
    /// Indices that are watched: [range_start, range_end).
    std::uint32_t range_start = 0, range_end = 0;
    std::uint32_t next = 0;  ///< no address from here on was given out or seen in use
};

/// Whose script it is.
struct ScriptPlace {
    std::uint32_t descriptor = 0;  ///< position in DescriptorBook::all()
    std::uint32_t index = 0;
};

/// The wallet's descriptors and all scripts that they have been expanded to. A ranged descriptor is always expanded `lookahead`
/// indices beyond the last one used, so that what is paid to addresses that another copy of the wallet gave out is found.
/// Thread: the wallet's owner.
class DescriptorBook {
public:
    struct Addition {
        std::string text;  ///< one path; private keys in it are not kept here
        std::int64_t created = 0;
        bool active = false;
        std::optional<bool> internal;
        /// Of ranged ones: [first, second) is watched at least.
        std::optional<std::pair<std::uint32_t, std::uint32_t>> range;
        std::optional<std::uint32_t> next;
    };
    /// Scripts that were not watched before; views stay good as long as the book.
    using NewScripts = std::vector<ByteSpan>;

    static constexpr std::uint32_t kMaxRange = 1'000'000;

    DescriptorBook(const ChainParams& params, const SecretStore& secrets, std::uint32_t lookahead)
        : params_(&params), secrets_(&secrets), lookahead_(lookahead) {}

    /// The name of a descriptor with this public text.
    static DescriptorId id_of(std::string_view public_text);

    // Changing. What is changed goes into `batch` too.

    /// Adds a descriptor, or widens the one that is there already and changes its settings. Errors: Bitcoin Core's words.
    Result<std::uint32_t, std::string> add(const Addition& addition, storage::WriteBatch& batch, NewScripts& added);
    /// An address that was never given out. Errors: there is none without the private keys.
    Result<Bytes, std::string> take_next(std::uint32_t number, storage::WriteBatch& batch, NewScripts& added);
    /// What take_next() would give.
    Result<Bytes, std::string> peek_next(std::uint32_t number, storage::WriteBatch& batch, NewScripts& added);
    /// The script at `place` was seen in use: no lower index is given out any more, and the lookahead moves on.
    /// Gives the scripts that are skipped and now count as used.
    std::vector<Bytes> mark_used(ScriptPlace place, storage::WriteBatch& batch, NewScripts& added);
    /// Watches `lookahead` unused indices (0: the default) of every active or ranged descriptor. False: some need private keys that
    /// are locked.
    bool top_up(std::uint32_t lookahead, storage::WriteBatch& batch, NewScripts& added);
    void set_lookahead(std::uint32_t lookahead) { lookahead_ = lookahead; }

    // Loading, from records that `add` and the others wrote.

    bool load_descriptor(ByteSpan key, ByteSpan value);
    bool load_script(ByteSpan key, ByteSpan value);
    /// After all were loaded. False: they do not fit together.
    bool finish_loading();

    // Reading.

    const std::deque<WalletDescriptor>& all() const { return descriptors_; }
    std::optional<ScriptPlace> find(ByteSpan script) const;
    bool owns(ByteSpan script) const { return find(script).has_value(); }
    const WalletDescriptor* find_descriptor(const DescriptorId& id) const;
    /// The one that gives addresses of this type. nullopt: none is active.
    std::optional<std::uint32_t> active(AddressType type, bool internal) const;
    /// The script at an index that is watched.
    std::optional<std::vector<Bytes>> scripts_at(std::uint32_t number, std::uint32_t index) const;
    /// Public keys, scripts and taproot trees behind a script; with `private_keys` the private ones too, if they are to be had.
    ScriptKeys solving_data(ByteSpan script, bool private_keys = false) const;
    /// A private key is known, though it may be locked.
    bool can_sign(ByteSpan script) const;
    /// Drops private keys that were kept from one call to the next; call it when signing is done.
    void forget_secrets() const { last_unlocked_ = {}; }

    /// All scripts ever watched, in the order in which they came; the number only grows while the book lives.
    const std::vector<Bytes>& scripts() const { return scripts_; }
    /// Unused indices that are watched, of the active descriptors: receiving or change.
    std::size_t unused(bool internal) const;
    std::uint32_t lookahead() const { return lookahead_; }

private:
    struct ViewHash {
        std::size_t operator()(std::string_view view) const { return std::hash<std::string_view>()(view); }
    };

    std::optional<std::vector<Bytes>> expand(const WalletDescriptor& descriptor, std::uint32_t index) const;
    std::shared_ptr<const Descriptor> unlocked(const WalletDescriptor& descriptor) const;
    void watch(Bytes script, ScriptPlace place, NewScripts& added);
    /// Expands up to `end`; false when a private key is missing.
    bool expand_to(std::uint32_t number, std::uint32_t end, storage::WriteBatch& batch, NewScripts& added);
    bool top_up_one(std::uint32_t number, std::uint32_t lookahead, storage::WriteBatch& batch, NewScripts& added);
    void make_active(std::uint32_t number, bool internal, storage::WriteBatch& batch);
    void write(std::uint32_t number, storage::WriteBatch& batch) const;
    Result<void, std::string> widen(WalletDescriptor& known, const Addition& addition) const;

    const ChainParams* params_;
    const SecretStore* secrets_;
    std::uint32_t lookahead_;
    std::deque<WalletDescriptor> descriptors_;
    std::vector<Bytes> scripts_;
    std::unordered_map<std::string_view, ScriptPlace, ViewHash> places_;  ///< keys are views of scripts_
    // The descriptors with their private keys, while several inputs are signed in a row.
    mutable std::pair<DescriptorId, std::shared_ptr<const Descriptor>> last_unlocked_;
};

}  // namespace cairn::light
