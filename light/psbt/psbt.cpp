#include "light/psbt/psbt.hpp"

#include <algorithm>

#include "consensus/base/check.hpp"
#include "consensus/crypto/hash.hpp"

namespace cairn::light {
namespace {

constexpr Amount kUnknownValue = -1;

template <class T>
void take(T& mine, const T& other) {
    const bool empty = [&] {
        if constexpr (requires { mine.empty(); }) return mine.empty();
        else return !mine;
    }();
    if (empty) mine = other;
}
template <class Map>
void add(Map& mine, const Map& other) {
    mine.insert(other.begin(), other.end());
}

/// Required lock times of inputs added up (BIP370, "determining lock time").
struct LockTimes {
    std::optional<std::uint32_t> time{0}, height{0};

    /// False when no lock time can satisfy all.
    bool add(const PsbtOutpointLocks& locks) {
        if (locks.time && !locks.height) height.reset();
        if (!locks.time && locks.height) time.reset();
        if (!time && !height) return false;
        if (locks.time && time) time = std::max(time, locks.time);
        if (locks.height && height) height = std::max(height, locks.height);
        return true;
    }
    std::uint32_t value(std::uint32_t fallback) const {
        if (height && *height > 0) return *height;
        return time && *time > 0 ? *time : fallback;
    }
};

}  // namespace

bool PsbtInput::has_signatures() const {
    return is_final() || !partial_sigs.empty() || !tap_key_sig.empty() || !tap_script_sigs.empty() || !musig_partial_sigs.empty();
}

std::optional<TxOutput> PsbtInput::spent() const {
    if (non_witness_utxo) {
        const Transaction& tx = non_witness_utxo->tx();
        if (prevout.index >= tx.outputs.size() || tx.txid != prevout.txid) return std::nullopt;
        return tx.outputs[prevout.index];
    }
    if (witness_utxo) return TxOutput{witness_utxo->value, witness_utxo->script_pubkey};
    return std::nullopt;
}

void PsbtInput::merge(const PsbtInput& other) {
    take(non_witness_utxo, other.non_witness_utxo);
    take(witness_utxo, other.witness_utxo);
    take(sequence, other.sequence);
    take(locks.time, other.locks.time);
    take(locks.height, other.locks.height);
    add(partial_sigs, other.partial_sigs);
    add(ripemd160_preimages, other.ripemd160_preimages);
    add(sha256_preimages, other.sha256_preimages);
    add(hash160_preimages, other.hash160_preimages);
    add(hash256_preimages, other.hash256_preimages);
    add(key_origins, other.key_origins);
    take(redeem_script, other.redeem_script);
    take(witness_script, other.witness_script);
    take(final_script_sig, other.final_script_sig);
    take(final_witness, other.final_witness);
    take(tap_key_sig, other.tap_key_sig);
    add(tap_script_sigs, other.tap_script_sigs);
    add(tap_scripts, other.tap_scripts);
    add(tap_key_origins, other.tap_key_origins);
    take(tap_internal_key, other.tap_internal_key);
    take(tap_merkle_root, other.tap_merkle_root);
    add(musig_participants, other.musig_participants);
    for (const auto& [place, nonces] : other.musig_nonces) add(musig_nonces[place], nonces);
    for (const auto& [place, signatures] : other.musig_partial_sigs) add(musig_partial_sigs[place], signatures);
    add(proprietary, other.proprietary);
    add(unknown, other.unknown);
}

void PsbtOutput::merge(const PsbtOutput& other) {
    take(redeem_script, other.redeem_script);
    take(witness_script, other.witness_script);
    add(key_origins, other.key_origins);
    take(tap_internal_key, other.tap_internal_key);
    take(tap_tree, other.tap_tree);
    add(tap_key_origins, other.tap_key_origins);
    add(musig_participants, other.musig_participants);
    add(proprietary, other.proprietary);
    add(unknown, other.unknown);
}

// Bitcoin Core sorts extended keys by their public key, then by their chain code.
bool Psbt::XpubOrder::operator()(const Bytes& a, const Bytes& b) const {
    const auto order = [](const Bytes& key) { return std::pair(Bytes(key.begin() + 45, key.end()), Bytes(key.begin() + 13, key.begin() + 45)); };
    return order(a) < order(b);
}

Psbt Psbt::create(const MutableTransaction& tx, std::uint32_t version) {
    CAIRN_CHECK(version == 0 || version == 2);
    Psbt psbt;
    psbt.version_field = version;
    psbt.tx_version = tx.version;
    psbt.fallback_lock_time = tx.lock_time;
    for (const auto& input : tx.inputs) {
        PsbtInput entry;
        entry.prevout = input.prevout;
        entry.sequence = input.sequence;
        psbt.inputs.push_back(std::move(entry));
    }
    for (const auto& output : tx.outputs) {
        PsbtOutput entry;
        entry.amount = output.value;
        entry.script = output.script_pubkey;
        psbt.outputs.push_back(std::move(entry));
    }
    return psbt;
}

std::optional<std::uint32_t> Psbt::lock_time() const {
    LockTimes locks;
    if (version() >= 2) {
        for (const PsbtInput& input : inputs)
            if (!locks.add(input.locks)) return std::nullopt;
    }
    return locks.value(fallback_lock_time.value_or(0));
}

std::optional<MutableTransaction> Psbt::unsigned_tx() const {
    const auto lock = lock_time();
    if (!lock) return std::nullopt;
    MutableTransaction tx;
    tx.version = tx_version;
    tx.lock_time = *lock;
    for (const PsbtInput& input : inputs) {
        MutableTransaction::Input entry;
        entry.prevout = input.prevout;
        entry.sequence = input.sequence.value_or(TxInput::kFinalSequence);
        tx.inputs.push_back(std::move(entry));
    }
    for (const PsbtOutput& output : outputs) tx.outputs.push_back({output.amount, output.script});
    return tx;
}

std::optional<Txid> Psbt::unique_id() const {
    auto tx = unsigned_tx();
    if (!tx) return std::nullopt;
    if (version() >= 2) {
        for (auto& input : tx->inputs) input.sequence = 0;
    }
    return Txid(hash256(tx->serialize(false)));
}

bool Psbt::merge(const Psbt& other) {
    const auto id = unique_id();
    if (!id || id != other.unique_id() || version() != other.version()) return false;
    for (std::size_t i = 0; i < inputs.size(); ++i) inputs[i].merge(other.inputs[i]);
    for (std::size_t i = 0; i < outputs.size(); ++i) outputs[i].merge(other.outputs[i]);
    merge_xpubs(other);
    take(fallback_lock_time, other.fallback_lock_time);
    if (modifiable || other.modifiable) {
        const std::uint8_t a = modifiable.value_or(0), b = other.modifiable.value_or(0);
        modifiable = static_cast<std::uint8_t>((a & b) | ((a | b) & kHasSingle));
    }
    add(proprietary, other.proprietary);
    add(unknown, other.unknown);
    return true;
}

void Psbt::merge_xpubs(const Psbt& other) {
    for (const auto& [origin, keys] : other.xpubs) {
        for (const Bytes& key : keys) {
            const bool known = std::ranges::any_of(xpubs, [&](const auto& entry) { return entry.second.contains(key); });
            if (!known) xpubs[origin].insert(key);
        }
    }
}

bool Psbt::add_input(const PsbtInput& input) {
    if (std::ranges::any_of(inputs, [&](const PsbtInput& known) { return known.prevout == input.prevout; })) return false;
    if (version() < 2) {
        inputs.push_back(input);
        inputs.back().partial_sigs.clear();
        inputs.back().final_script_sig.clear();
        inputs.back().final_witness.clear();
        return true;
    }
    if (!modifiable || !(*modifiable & kInputsModifiable)) return false;
    if (input.locks.time || input.locks.height) {
        const auto before = lock_time();
        LockTimes locks;
        locks.add(input.locks);
        for (const PsbtInput& known : inputs)
            if (!locks.add(known.locks)) return false;
        const bool is_signed = std::ranges::any_of(inputs, [](const PsbtInput& known) { return known.has_signatures(); });
        if (!before || (is_signed && *before != locks.value(fallback_lock_time.value_or(0)))) return false;
    }
    inputs.push_back(input);
    return true;
}

bool Psbt::add_output(const PsbtOutput& output) {
    if (version() >= 2 && (!modifiable || !(*modifiable & kOutputsModifiable))) return false;
    outputs.push_back(output);
    return true;
}

std::vector<TxOutput> Psbt::spent_outputs() const {
    std::vector<TxOutput> spent;
    for (const PsbtInput& input : inputs) spent.push_back(input.spent().value_or(TxOutput{kUnknownValue, {}}));
    return spent;
}

}  // namespace cairn::light
