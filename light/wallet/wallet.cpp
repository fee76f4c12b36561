#include "light/wallet/wallet.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "consensus/rules/params.hpp"
#include "light/wallet/detail/change.hpp"
#include "light/wallet/store_keys.hpp"

namespace cairn::light {
namespace {

constexpr std::uint8_t kInfoVersion = 1;
constexpr std::uint8_t kHasPrivateKeys = 1, kAvoidsReuse = 2;
/// So many blocks that do not concern the wallet may pass before the tip is written: after a kill they are looked at again.
constexpr int kUnsavedBlocks = 100;
constexpr std::int64_t kLongestUnlock = 100'000'000;  ///< seconds, about three years

WalletError damaged(std::string message) { return {WalletErrorKind::damaged, std::move(message)}; }
WalletError from_storage(const storage::StorageError& error) { return {WalletErrorKind::storage, error.message}; }

WalletError from_vault(VaultError error) {
    switch (error) {
        case VaultError::locked:
            return {WalletErrorKind::locked, "Error: Please enter the wallet passphrase with walletpassphrase first."};
        case VaultError::wrong_passphrase:
            return {WalletErrorKind::wrong_passphrase, "Error: The wallet passphrase entered was incorrect."};
        case VaultError::empty_passphrase: return {WalletErrorKind::invalid_parameter, "passphrase cannot be empty"};
        case VaultError::not_encrypted:
            return {WalletErrorKind::wrong_encryption, "Error: running with an unencrypted wallet, but walletpassphrase was called."};
        case VaultError::already_encrypted:
            return {WalletErrorKind::wrong_encryption, "Error: running with an encrypted wallet, but encryptwallet was called."};
        case VaultError::damaged:
        case VaultError::bad_parameters:
        case VaultError::newer_format: return {WalletErrorKind::damaged, std::string(to_string(error))};
        default: return {WalletErrorKind::wallet, std::string(to_string(error))};
    }
}

}  // namespace

bool Wallet::Secrets::has(const DescriptorId& id) const { return vault.has(id.to_display_hex()); }

std::optional<SecretBytes> Wallet::Secrets::descriptor(const DescriptorId& id) const {
    auto secret = vault.get(id.to_display_hex(), now_us());
    if (!secret) return std::nullopt;
    return std::move(*secret);
}

Wallet::Wallet(Store& store, const ChainParams& params, const WalletHost& host)
    : store_(store), params_(params), host_(host), book_(params, secrets_, WalletOptions{}.lookahead), ledger_(book_) {
    secrets_.host = &host_;
}

Wallet::~Wallet() {
    if (unsaved_blocks_ > 0) static_cast<void>(save());
}

Outcome<Wallet::Pointer> Wallet::create(Store& store, const ChainParams& params, const WalletHost& host, std::string name,
                                        const WalletOptions& options) {
    if (!options.private_keys && (options.master || !options.passphrase.empty())) {
        return fail(WalletError{WalletErrorKind::wallet,
                                "Passphrase provided but private keys are disabled. A passphrase is only used to encrypt private keys, so cannot "
                                "be used for wallets with private keys disabled."});
    }
    const auto there = store.get(storage::Family::meta, store::key(store::kInfo));
    if (!there) return fail(from_storage(there.error()));
    if (*there) return fail(WalletError{WalletErrorKind::wallet, "There is a wallet already"});
    if (const auto mode = store.set_durability(storage::Durability::write_ahead); !mode) return fail(from_storage(mode.error()));

    Pointer wallet(new Wallet(store, params, host));
    wallet->name_ = std::move(name);
    wallet->private_keys_ = options.private_keys;
    wallet->policy_.avoid_reuse = options.avoid_reuse;
    wallet->book_.set_lookahead(std::max<std::uint32_t>(options.lookahead, 1));
    if (!options.passphrase.empty()) {
        auto vault = Vault::create(options.passphrase, options.cost);
        if (!vault) return fail(from_vault(vault.error()));
        wallet->secrets_.vault = std::move(*vault);
        // Only as long as it takes to put the first keys in.
        if (const auto open = wallet->secrets_.vault.unlock(options.passphrase, wallet->secrets_.now_us() + 1'000'000'000); !open) {
            return fail(from_vault(open.error()));
        }
    }
    if (const auto made = wallet->set_up(options); !made) return fail(made.error());
    wallet->secrets_.vault.lock();
    return wallet;
}

Outcome<void> Wallet::set_up(const WalletOptions& options) {
    birth_ = options.birth != 0 || options.master ? options.birth : host_.now();
    Change change(*this);
    if (private_keys_ && !options.blank) {
        ExtendedKey master;
        if (options.master) {
            master = *options.master;
        } else {
            std::array<std::uint8_t, 32> seed{};
            fill_random(seed);
            auto made = ExtendedKey::from_seed(seed);
            if (!made) return fail(WalletError{WalletErrorKind::wallet, "No key could be made"});
            master = std::move(*made);
        }
        for (const AddressType type : options.types) {
            for (const bool internal : {false, true}) {
                ImportRequest request;
                request.birth = birth_;
                request.active = true;
                const auto added = add_descriptor(request, account_descriptor(master, type, params_, options.account, internal), internal, change);
                if (!added) return fail(added.error());
            }
        }
    }
    return finish(change, true);
}

Outcome<Wallet::Pointer> Wallet::open(Store& store, const ChainParams& params, const WalletHost& host) {
    if (const auto mode = store.set_durability(storage::Durability::write_ahead); !mode) return fail(from_storage(mode.error()));
    Pointer wallet(new Wallet(store, params, host));
    if (const auto loaded = wallet->load(); !loaded) return fail(loaded.error());
    return wallet;
}

Outcome<void> Wallet::load() {
    // Descriptors before scripts before transactions, as each needs the one before.
    const auto each = [&](std::uint8_t kind, auto&& take) -> Outcome<void> {
        const auto rows = store_.iterate(storage::Family::meta);
        const Bytes first = store::key(kind);
        for (rows->seek(first); rows->valid() && !rows->key().empty() && rows->key()[0] == kind; rows->next()) {
            if (!take(rows->key(), rows->value())) return fail(damaged(fmt::format("A record of kind '{}' cannot be read", static_cast<char>(kind))));
        }
        if (const auto status = rows->status(); !status) return fail(from_storage(status.error()));
        return {};
    };
    bool found = false;
    std::vector<VaultRecord> sealed;
    const auto steps = {
        each(store::kInfo, [&](ByteSpan, ByteSpan value) { return found = load_info(value); }),
        each(store::kSecret, [&](ByteSpan key, ByteSpan value) {
            sealed.push_back({to_bytes(key.subspan(1)), to_bytes(value)});
            return true;
        }),
        each(store::kDescriptor, [&](ByteSpan key, ByteSpan value) { return book_.load_descriptor(key, value); }),
        each(store::kScript, [&](ByteSpan key, ByteSpan value) { return book_.load_script(key, value); }),
        each(store::kTransaction, [&](ByteSpan key, ByteSpan value) { return ledger_.load_transaction(key, value); }),
        each(store::kLock, [&](ByteSpan key, ByteSpan) { return ledger_.load_lock(key); }),
        each(store::kAddress, [&](ByteSpan key, ByteSpan value) { return addresses_.load(key, value); }),
    };
    for (const auto& step : steps) {
        if (!step) return step;
    }
    if (!found) return fail(damaged("There is no wallet of this network here"));
    if (!book_.finish_loading()) return fail(damaged("Scripts and descriptors do not fit together"));
    ledger_.finish_loading();
    auto vault = Vault::load(std::move(sealed));
    if (!vault) return fail(from_vault(vault.error()));
    secrets_.vault = std::move(*vault);
    return {};
}

bool Wallet::load_info(ByteSpan value) {
    Reader reader(value);
    if (reader.u8() != kInfoVersion) return false;
    const std::string network(as_text(reader.var_bytes()));
    const BlockHash genesis(reader.uint256());
    name_ = std::string(as_text(reader.var_bytes()));
    const std::uint8_t flags = reader.u8();
    private_keys_ = (flags & kHasPrivateKeys) != 0;
    policy_.avoid_reuse = (flags & kAvoidsReuse) != 0;
    book_.set_lookahead(reader.u32());
    birth_ = reader.i64();
    BlockPlace tip;
    tip.height = reader.i32();
    tip.hash = BlockHash(reader.uint256());
    tip.time = reader.i64();
    reader.expect_end();
    ledger_.set_tip(tip);
    return reader.ok() && network == params_.name() && genesis == params_.genesis_hash();
}

void Wallet::put_info(Change& change) {
    Bytes value;
    Writer writer(value);
    writer.u8(kInfoVersion);
    writer.var_bytes(as_bytes(params_.name()));
    writer.uint256(params_.genesis_hash());
    writer.var_bytes(as_bytes(name_));
    writer.u8(static_cast<std::uint8_t>((private_keys_ ? kHasPrivateKeys : 0) | (policy_.avoid_reuse ? kAvoidsReuse : 0)));
    writer.u32(book_.lookahead());
    writer.i64(birth_);
    writer.i32(ledger_.tip().height);
    writer.uint256(ledger_.tip().hash);
    writer.i64(ledger_.tip().time);
    change.batch.put(storage::Family::meta, store::key(store::kInfo), value);
}

Outcome<void> Wallet::check_writable() const {
    if (broken_) return fail(*broken_);
    return {};
}

Outcome<void> Wallet::finish(Change& change, bool durable) {
    if (broken_) return fail(*broken_);
    const auto secrets = secrets_.vault.take_changes();
    for (const VaultRecord& record : secrets) {
        const Bytes key = store::key(store::kSecret, record.key);
        if (record.value) {
            change.batch.put(storage::Family::meta, key, *record.value);
        } else {
            change.batch.erase(storage::Family::meta, key);
        }
    }
    for (const ByteSpan script : change.added) ledger_.adopt(script);
    picture_.reset();
    put_info(change);
    auto written = store_.write(change.batch);
    if (written && (durable || !secrets.empty())) written = store_.flush();
    if (!written) {
        broken_ = from_storage(written.error());
        return fail(*broken_);
    }
    change.batch.clear();
    change.added.clear();
    unsaved_blocks_ = 0;
    return {};
}

Outcome<void> Wallet::save() {
    Change change(*this);
    return finish(change, true);
}

Outcome<void> Wallet::rename(std::string name) {
    name_ = std::move(name);
    return save();
}

Outcome<void> Wallet::set_avoid_reuse(bool value) {
    Change change(*this);
    policy_.avoid_reuse = value;
    return finish(change);
}

void Wallet::set_policy(const SpendPolicy& policy) {
    const bool avoid_reuse = policy_.avoid_reuse;
    policy_ = policy;
    policy_.avoid_reuse = avoid_reuse;
    ledger_.set_spend_unconfirmed_change(policy.spend_unconfirmed_change);
    picture_.reset();
}

std::int64_t Wallet::birth() const {
    std::int64_t earliest = birth_;
    bool any = false;
    for (const WalletDescriptor& one : book_.all()) {
        earliest = any ? std::min(earliest, one.created) : one.created;
        any = true;
    }
    return earliest;
}

Outcome<void> Wallet::put_note(std::string_view key, ByteSpan value) {
    if (const auto writable = check_writable(); !writable) return writable;
    storage::WriteBatch batch;
    batch.put(storage::Family::meta, store::key(store::kNote, as_bytes(key)), value);
    if (auto written = store_.write(batch); !written) {
        broken_ = from_storage(written.error());
        return fail(*broken_);
    }
    return {};
}

Outcome<std::optional<Bytes>> Wallet::note(std::string_view key) const {
    auto found = store_.get(storage::Family::meta, store::key(store::kNote, as_bytes(key)));
    if (!found) return fail(from_storage(found.error()));
    return std::move(*found);
}

Outcome<WalletEffect> Wallet::connect_block(const BlockPlace& place, const Block* block) {
    if (const auto writable = check_writable(); !writable) return fail(writable.error());
    WalletEffect effect;
    Change change(*this);
    if (place.height <= tip().height) {
        if (place == tip()) return effect;
        BlockPlace parent;
        parent.height = place.height - 1;
        if (block != nullptr) parent.hash = block->header().previous;
        ledger_.disconnect_to(parent, change.batch);
        effect.concerns = true;
    }
    ledger_.set_tip(place);
    if (block != nullptr) scan(place, *block, false, change, effect);
    picture_.reset();
    if (!effect.concerns && change.batch.empty() && ++unsaved_blocks_ < kUnsavedBlocks) return effect;
    if (const auto done = finish(change); !done) return fail(done.error());
    return effect;
}

Outcome<WalletEffect> Wallet::rescan_block(const BlockPlace& place, const Block& block) {
    if (const auto writable = check_writable(); !writable) return fail(writable.error());
    if (place.height > tip().height) return fail(WalletError{WalletErrorKind::invalid_parameter, "The block is above the wallet's tip"});
    WalletEffect effect;
    Change change(*this);
    scan(place, block, true, change, effect);
    if (effect.concerns || !change.batch.empty()) {
        if (const auto done = finish(change); !done) return fail(done.error());
    }
    return effect;
}

Outcome<bool> Wallet::import_transaction(const Transaction& tx, const BlockPlace& place, int position) {
    if (const auto writable = check_writable(); !writable) return fail(writable.error());
    if (place.height > tip().height) return fail(WalletError{WalletErrorKind::invalid_parameter, "The block is above the wallet's tip"});
    if (!ledger_.concerns(tx)) return false;
    Change change(*this);
    const bool taken = ledger_.confirm(tx, place, position, host_.now(), true, change.batch);
    if (taken) note_use(tx, change);
    if (const auto done = finish(change); !done) return fail(done.error());
    return taken;
}

void Wallet::scan(const BlockPlace& place, const Block& block, bool rescan, Change& change, WalletEffect& effect) {
    const std::int64_t now = host_.now();
    std::set<std::size_t> known;
    // Addresses that are seen in use bring new ones into view; the same block may pay to those.
    for (bool again = true; again;) {
        again = false;
        for (std::size_t i = 0; i < block.txs().size(); ++i) {
            const Transaction& tx = block.txs()[i];
            if (known.contains(i) || !ledger_.concerns(tx)) continue;
            effect.concerns = true;
            if (!ledger_.confirm(tx, place, static_cast<int>(i), now, rescan, change.batch)) continue;
            known.insert(i);
            effect.transactions.push_back(tx.txid);
            if (note_use(tx, change)) again = effect.scripts_added = true;
        }
    }
}

bool Wallet::note_use(const Transaction& tx, Change& change) {
    const std::size_t before = book_.scripts().size();
    for (const TxOutput& output : tx.outputs) {
        const auto place = book_.find(output.script_pubkey);
        if (!place) continue;
        const bool internal = book_.all()[place->descriptor].internal.value_or(true);
        for (const Bytes& passed : book_.mark_used(*place, change.batch, change.added)) {
            // Another copy of this wallet gave it out: it is no change.
            if (!internal && addresses_.find(passed) == nullptr) addresses_.set(passed, {}, change.batch);
        }
    }
    for (const ByteSpan script : change.added) ledger_.adopt(script);
    change.added.clear();
    return book_.scripts().size() != before;
}

Outcome<void> Wallet::disconnect_to(const BlockPlace& tip) {
    if (const auto writable = check_writable(); !writable) return writable;
    Change change(*this);
    ledger_.disconnect_to(tip, change.batch);
    return finish(change);
}

std::optional<std::int64_t> Wallet::unlocked_until() const {
    const auto until = secrets_.vault.unlocked_until_us();
    if (!until || is_locked()) return std::nullopt;
    return *until / 1'000'000;
}

Outcome<void> Wallet::unlock(std::string_view passphrase, std::int64_t seconds) {
    if (seconds < 0) return fail(WalletError{WalletErrorKind::invalid_parameter, "Timeout cannot be negative."});
    const std::int64_t until = secrets_.now_us() + std::min(seconds, kLongestUnlock) * 1'000'000;
    if (const auto open = secrets_.vault.unlock(passphrase, until); !open) return fail(from_vault(open.error()));
    return refill();
}

Outcome<void> Wallet::lock() {
    if (!is_encrypted()) {
        return fail(WalletError{WalletErrorKind::wrong_encryption, "Error: running with an unencrypted wallet, but walletlock was called."});
    }
    secrets_.vault.lock();
    book_.forget_secrets();
    return {};
}

Outcome<void> Wallet::encrypt(std::string_view passphrase, ScryptCost cost) {
    if (const auto writable = check_writable(); !writable) return writable;
    if (!private_keys_) {
        return fail(WalletError{WalletErrorKind::wrong_encryption, "Error: wallet does not contain private keys, nothing to encrypt."});
    }
    if (const auto done = secrets_.vault.encrypt(passphrase, cost); !done) return fail(from_vault(done.error()));
    book_.forget_secrets();
    Change change(*this);
    if (const auto done = finish(change, true); !done) return done;
    ++seals_;
    return {};
}

Outcome<void> Wallet::change_passphrase(std::string_view old_passphrase, std::string_view new_passphrase, ScryptCost cost) {
    if (const auto writable = check_writable(); !writable) return writable;
    if (const auto done = secrets_.vault.change_passphrase(old_passphrase, new_passphrase, cost); !done) return fail(from_vault(done.error()));
    Change change(*this);
    if (const auto done = finish(change, true); !done) return done;
    ++seals_;
    return {};
}

Outcome<void> Wallet::put_secret(std::string_view name, ByteSpan secret) {
    if (const auto writable = check_writable(); !writable) return writable;
    if (const auto done = secrets_.vault.put(name, secret, secrets_.now_us()); !done) return fail(from_vault(done.error()));
    Change change(*this);
    return finish(change, true);
}

Outcome<SecretBytes> Wallet::secret(std::string_view name) const {
    auto found = secrets_.vault.get(name, secrets_.now_us());
    if (!found) return fail(from_vault(found.error()));
    return std::move(*found);
}

}  // namespace cairn::light
