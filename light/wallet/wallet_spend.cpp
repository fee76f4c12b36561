#include <algorithm>
#include <charconv>

#include <fmt/format.h>

#include "consensus/base/hex.hpp"
#include "consensus/script/solver.hpp"
#include "light/wallet/detail/change.hpp"

/// Making, signing and keeping transactions.
namespace cairn::light {
namespace {

WalletError locked() {
    return {WalletErrorKind::locked, "Error: Please enter the wallet passphrase with walletpassphrase first."};
}

/// Forgets private keys that the book kept for the next input, at the end of a call.
class ForgetSecrets {
public:
    explicit ForgetSecrets(const DescriptorBook& book) : book_(book) {}
    ~ForgetSecrets() { book_.forget_secrets(); }
    ForgetSecrets(const ForgetSecrets&) = delete;
    ForgetSecrets& operator=(const ForgetSecrets&) = delete;

private:
    const DescriptorBook& book_;
};

// Which outputs are silent payments is kept with the transaction: "index:scan key and spend key in hexadecimal," for each.
constexpr const char* kSilentNote = "silent";

std::string silent_text(const SilentOutputs& outputs) {
    std::string text;
    for (const auto& [index, address] : outputs) {
        text += fmt::format("{}:{}{},", index, to_hex(address.scan.compressed()), to_hex(address.spend.compressed()));
    }
    return text;
}

std::optional<SilentOutputs> read_silent_text(std::string_view text) {
    SilentOutputs outputs;
    while (!text.empty()) {
        const std::size_t colon = text.find(':'), end = text.find(',');
        std::size_t index = 0;
        if (colon == std::string_view::npos || end == std::string_view::npos) return std::nullopt;
        const auto number = std::from_chars(text.data(), text.data() + colon, index);
        const auto keys = from_hex(text.substr(colon + 1, end - colon - 1));
        if (number.ec != std::errc{} || !keys || keys->size() != 66) return std::nullopt;
        const auto scan = PublicKey::parse(ByteSpan(*keys).first(33)), spend = PublicKey::parse(ByteSpan(*keys).subspan(33));
        if (!scan || !spend) return std::nullopt;
        outputs.emplace(index, SilentAddress{*scan, *spend});
        text.remove_prefix(end + 1);
    }
    return outputs;
}

std::string silent_record(const Txid& txid) { return "silent:" + txid.to_display_hex(); }

}  // namespace

Outcome<void> Wallet::can_make_silent() const {
    if (!private_keys_) {
        return fail(WalletError{WalletErrorKind::wallet, "A silent payment needs the private keys of its inputs, and this wallet has none"});
    }
    if (is_locked()) return fail(locked());
    return {};
}

Outcome<void> Wallet::check_silent(std::span<const Recipient> recipients) const {
    for (const Recipient& one : recipients) {
        if (one.silent) return can_make_silent();
    }
    return {};
}

Outcome<void> Wallet::fill_silent(CreatedTransaction& created) const {
    if (created.silent.empty()) return {};
    ScriptKeys keys;
    std::vector<TxOutput> spent;
    for (const auto& output : created.spent) {
        spent.push_back({output.value, output.script_pubkey});
        if (book_.owns(output.script_pubkey)) keys.merge(book_.solving_data(output.script_pubkey, true));
    }
    const auto filled = fill_silent_outputs(created.tx, spent, keys, created.silent);
    if (!filled) return fail(WalletError{WalletErrorKind::wallet, "Unable to make the silent payment: " + std::string(to_string(filled.error()))});
    return {};
}

Outcome<void> Wallet::remember_silent(const Txid& txid, const SilentOutputs& silent) {
    if (silent.empty()) return {};
    return put_note(silent_record(txid), as_bytes(silent_text(silent)));
}

std::optional<SilentOutputs> Wallet::silent_outputs(const WalletTx& tx) const {
    if (const auto found = tx.notes.find(kSilentNote); found != tx.notes.end()) return read_silent_text(found->second);
    const auto kept = note(silent_record(tx.txid()));
    if (!kept || !*kept) return std::nullopt;
    return read_silent_text(as_text(**kept));
}

Spender Wallet::spender(Change& change) const {
    return Spender({book_, ledger_, addresses_, host_, policy_,
                    [this, &change](AddressType type) -> Result<Bytes, std::string> {
                        const auto number = book_.active(type, true);
                        if (!number) return fail("Error: No " + std::string(to_string(type)) + " addresses available.");
                        return book_.peek_next(*number, change.batch, change.added);
                    }},
                   seed_);
}

Outcome<void> Wallet::keep_change(const CreatedTransaction& created, Change& change) {
    if (created.change_is_new) {
        if (const auto number = book_.active(created.change_type, true)) {
            const auto taken = book_.take_next(*number, change.batch, change.added);
            if (!taken) return fail(WalletError{WalletErrorKind::no_addresses, taken.error()});
        }
    }
    return finish(change);
}

Outcome<CreatedTransaction> Wallet::create_transaction(std::span<const Recipient> recipients, const CoinControl& control, bool keep) {
    if (const auto writable = check_writable(); !writable) return fail(writable.error());
    if (const auto able = check_silent(recipients); !able) return fail(able.error());
    const ForgetSecrets forget(book_);
    Change change(*this);
    auto created = spender(change).create(recipients, control);
    if (!created) return created;
    if (const auto filled = fill_silent(*created); !filled) return fail(filled.error());
    if (!keep) {
        // Scripts that came into view stay: they are watched already.
        if (change.batch.empty()) return created;
        CreatedTransaction unkept = *created;
        unkept.change_is_new = false;
        if (const auto done = keep_change(unkept, change); !done) return fail(done.error());
        return created;
    }
    if (const auto done = keep_change(*created, change); !done) return fail(done.error());
    return created;
}

Outcome<CreatedTransaction> Wallet::sweep(std::span<const Recipient> fixed, std::span<const Recipient> rest, const CoinControl& control,
                                          bool only_worthwhile) {
    if (const auto writable = check_writable(); !writable) return fail(writable.error());
    for (const auto& all : {fixed, rest}) {
        if (const auto able = check_silent(all); !able) return fail(able.error());
    }
    const ForgetSecrets forget(book_);
    Change change(*this);
    auto created = spender(change).sweep(fixed, rest, control, only_worthwhile);
    if (!created) return created;
    if (const auto filled = fill_silent(*created); !filled) return fail(filled.error());
    return created;
}

Outcome<Spender::Bumped> Wallet::bump(const Txid& txid, const CoinControl& control, const Spender::BumpOptions& options) {
    if (const auto writable = check_writable(); !writable) return fail(writable.error());
    Spender::BumpOptions all = options;
    if (const WalletTxPtr old = ledger_.find(txid); old && options.outputs.empty()) {
        all.silent = silent_outputs(*old);
        if (all.silent && !all.silent->empty()) {
            if (const auto able = can_make_silent(); !able) return fail(able.error());
        }
    }
    if (const auto able = check_silent(options.outputs); !able) return fail(able.error());
    const ForgetSecrets forget(book_);
    Change change(*this);
    auto bumped = spender(change).bump(txid, control, all);
    if (!bumped) return bumped;
    if (const auto filled = fill_silent(bumped->made); !filled) return fail(filled.error());
    if (const auto done = keep_change(bumped->made, change); !done) return fail(done.error());
    return bumped;
}

Outcome<CreatedTransaction> Wallet::pay_for_parent(const OutPoint& output, const CoinControl& control) {
    if (const auto writable = check_writable(); !writable) return fail(writable.error());
    Change change(*this);
    auto created = spender(change).pay_for_parent(output, control);
    if (!created) return created;
    if (const auto done = keep_change(*created, change); !done) return fail(done.error());
    return created;
}

std::optional<OutPoint> Wallet::child_output(const Txid& parent) const {
    const WalletTxPtr tx = ledger_.find(parent);
    if (!tx || ledger_.depth(*tx) != 0) return std::nullopt;
    std::optional<OutPoint> best;
    Amount most = 0;
    for (std::uint32_t i = 0; i < tx->tx->tx().outputs.size(); ++i) {
        const OwnedOutput* coin = ledger_.owned({parent, i});
        if (coin == nullptr || coin->value <= most || ledger_.is_spent(coin->outpoint) || ledger_.is_locked(coin->outpoint)) continue;
        most = coin->value;
        best = coin->outpoint;
    }
    return best;
}

std::optional<MutableTransaction::Output> Wallet::output_of(const OutPoint& outpoint) const {
    if (const WalletTxPtr parent = ledger_.find(outpoint.txid); parent && outpoint.index < parent->tx->tx().outputs.size()) {
        const TxOutput& output = parent->tx->tx().outputs[outpoint.index];
        return MutableTransaction::Output{output.value, to_bytes(output.script_pubkey)};
    }
    if (const auto coin = host_.find_coin(outpoint)) return MutableTransaction::Output{coin->value, coin->script_pubkey};
    return std::nullopt;
}

Outcome<std::vector<InputError>> Wallet::sign(MutableTransaction& tx, const std::map<OutPoint, MutableTransaction::Output>& known,
                                              int hash_type) const {
    if (private_keys_ && is_locked()) return fail(locked());
    const ForgetSecrets forget(book_);
    std::vector<MutableTransaction::Output> outputs;
    ScriptKeys keys;
    for (const auto& input : tx.inputs) {
        std::optional<MutableTransaction::Output> output;
        if (const auto given = known.find(input.prevout); given != known.end()) output = given->second;
        if (!output) output = output_of(input.prevout);
        outputs.push_back(output.value_or(MutableTransaction::Output{kMissingCoinValue, {}}));
        if (book_.owns(outputs.back().script_pubkey)) keys.merge(book_.solving_data(outputs.back().script_pubkey, true));
    }
    std::vector<TxOutput> spent;
    for (const auto& output : outputs) spent.push_back({output.value, output.script_pubkey});
    return sign_transaction(tx, spent, keys, hash_type);
}

Outcome<std::vector<InputError>> Wallet::sign(CreatedTransaction& created) const {
    std::map<OutPoint, MutableTransaction::Output> known;
    for (std::size_t i = 0; i < created.tx.inputs.size(); ++i) known.emplace(created.tx.inputs[i].prevout, created.spent[i]);
    return sign(created.tx, known);
}

Outcome<Psbt> Wallet::make_psbt(const CreatedTransaction& created, std::uint32_t version, bool origins) const {
    MutableTransaction bare = created.tx;
    for (auto& input : bare.inputs) {
        input.script_sig.clear();
        input.witness.clear();
    }
    Psbt psbt = Psbt::create(bare, version);
    for (std::size_t i = 0; i < psbt.inputs.size(); ++i) psbt.inputs[i].witness_utxo = created.spent[i];
    PsbtOptions options;
    options.sign = false;
    options.origins = origins;
    const auto filled = fill_psbt(psbt, options);
    if (!filled) return fail(filled.error());
    return psbt;
}

Outcome<PsbtStatus> Wallet::fill_psbt(Psbt& psbt, const PsbtOptions& options) const {
    if (options.sign && private_keys_ && is_locked()) return fail(locked());
    const ForgetSecrets forget(book_);
    for (std::size_t i = 0; i < psbt.inputs.size(); ++i) {
        PsbtInput& input = psbt.inputs[i];
        if (input.is_final()) continue;
        const WalletTxPtr parent = ledger_.find(input.prevout.txid);
        if (parent && input.prevout.index < parent->tx->tx().outputs.size()) {
            // The whole transaction keeps hardware signers from being told a wrong amount.
            if (!input.non_witness_utxo) input.non_witness_utxo = parent->tx;
        } else if (!input.witness_utxo && !input.non_witness_utxo) {
            if (const auto output = output_of(input.prevout)) input.witness_utxo = *output;
        }
        // Outputs of the old kind are told by their whole transaction only.
        if (input.witness_utxo) {
            const Bytes& script = input.witness_utxo->script_pubkey;
            const auto place = book_.find(script);
            const bool old_kind = place ? book_.all()[place->descriptor].type == AddressType::legacy : classify(script) == OutputType::pubkeyhash;
            if (old_kind) input.witness_utxo.reset();
        }
    }
    const auto transaction = PsbtTransaction::make(psbt);
    if (!transaction) return fail(WalletError{WalletErrorKind::invalid_parameter, "The inputs want lock times that no transaction can have"});
    PsbtStatus worst = PsbtStatus::complete;
    PsbtSignOptions how;
    how.hash_type = options.hash_type;
    how.finalize = options.finalize;
    if (options.sign) how.musig = &musig_;
    for (std::size_t i = 0; i < psbt.inputs.size(); ++i) {
        ScriptKeys keys;
        if (const auto spent = psbt.inputs[i].spent()) keys = book_.solving_data(spent->script_pubkey, options.sign);
        if (!options.sign) keys = keys.without_private_keys();
        if (!options.origins) keys = keys.without_origins();
        const PsbtStatus status = sign_psbt_input(psbt, i, keys, *transaction, how);
        if (status == PsbtStatus::sighash_mismatch) return status;
        if (status != PsbtStatus::complete) worst = status;
    }
    for (PsbtOutput& output : psbt.outputs) {
        if (!book_.owns(output.script)) continue;
        const ScriptKeys keys = book_.solving_data(output.script);
        update_psbt_output(output, options.origins ? keys : keys.without_origins());
    }
    drop_needless_transactions(psbt);
    return worst;
}

Outcome<WalletTxPtr> Wallet::commit(const MutableTransaction& tx, std::map<std::string, std::string> notes, std::optional<Txid> replaces,
                                    const SilentOutputs* silent) {
    if (const auto writable = check_writable(); !writable) return fail(writable.error());
    if (silent != nullptr) notes[kSilentNote] = silent_text(*silent);
    const TransactionPtr made = tx.finish();
    Change change(*this);
    ledger_.add_own(made, host_.now(), std::move(notes), change.batch);
    if (replaces) ledger_.mark_replaced(*replaces, made->tx().txid, change.batch);
    note_use(made->tx(), change);
    if (const auto done = finish(change, true); !done) return fail(done.error());
    return ledger_.find(made->tx().txid);
}

}  // namespace cairn::light
