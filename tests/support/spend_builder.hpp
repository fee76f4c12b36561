#pragma once

#include <random>

#include "consensus/crypto/ecc.hpp"
#include "consensus/crypto/hash.hpp"
#include "consensus/script/script.hpp"
#include "consensus/script/sighash.hpp"
#include "consensus/script/taproot.hpp"

namespace cairn::test {

/// Kinds of input that SpendBuilder can make and sign.
enum class SpendKind {
    p2pk,
    p2pkh,
    p2wpkh,
    p2sh_p2wpkh,
    p2tr_key,
    p2tr_script,
    multisig,
    p2sh_multisig,
    p2wsh_multisig,
    p2sh_p2wsh_multisig,
};
inline constexpr int kSpendKinds = 10;

struct SpendChoice {
    SpendKind kind = SpendKind::p2wpkh;
    int required = 1;
    int keys = 1;
    std::uint8_t hash_type = kSighashAll;
    bool compressed = true;  ///< where the kind leaves a choice
};

/// Makes transactions whose inputs are signed, from a seed.
/// Shape: add every input, then finish().
class SpendBuilder {
public:
    explicit SpendBuilder(std::uint64_t seed) : random_(seed) {
        tx_.version = 2;
        const std::size_t outputs = 1 + random_() % 3;
        for (std::size_t i = 0; i < outputs; ++i)
            tx_.outputs.push_back({static_cast<Amount>(random_() % kCoin), make_p2pkh(random_bytes(20))});
    }

    void add(const SpendChoice& choice) {
        Plan plan{choice, {}, {}, {}};
        for (int i = 0; i < choice.keys; ++i) plan.keys.push_back(random_key());
        make_output(plan);
        tx_.inputs.push_back({OutPoint{Txid(Uint256(random_bytes(32))), static_cast<std::uint32_t>(random_() % 4)},
                              {},
                              TxInput::kFinalSequence - static_cast<std::uint32_t>(random_() % 3),
                              {}});
        amounts_.push_back(static_cast<Amount>(random_() % kCoin));
        plans_.push_back(std::move(plan));
    }

    /// Signs every input.
    void sign() {
        const TransactionPtr bare = tx_.finish();
        const std::vector<TxOutput> spent = spent_outputs();
        const PrecomputedTxData precomputed(bare->tx(), spent, true);
        for (std::size_t i = 0; i < plans_.size(); ++i) sign_input(bare->tx(), i, precomputed);
    }

    MutableTransaction& tx() { return tx_; }
    Bytes& output_script(std::size_t index) { return plans_[index].script_pubkey; }
    Amount& amount(std::size_t index) { return amounts_[index]; }
    std::mt19937_64& random() { return random_; }
    /// Point into this builder.
    std::vector<TxOutput> spent_outputs() const {
        std::vector<TxOutput> spent;
        for (std::size_t i = 0; i < plans_.size(); ++i) spent.push_back({amounts_[i], plans_[i].script_pubkey});
        return spent;
    }

    Bytes random_bytes(std::size_t size) {
        Bytes bytes(size);
        for (auto& byte : bytes) byte = static_cast<std::uint8_t>(random_());
        return bytes;
    }

private:
    struct Plan {
        SpendChoice choice;
        std::vector<PrivateKey> keys;
        Bytes script_pubkey;
        Bytes inner_script;  ///< redeem script, witness script or tapscript
        std::optional<TaprootOutput> taproot{};
    };

    PrivateKey random_key() {
        for (;;) {
            if (auto key = PrivateKey::parse(random_bytes(32))) return *key;
        }
    }

    static Bytes pubkey(const Plan& plan, std::size_t i) {
        const PublicKey key = plan.keys[i].public_key();
        return plan.choice.compressed ? to_bytes(key.compressed()) : to_bytes(key.uncompressed());
    }
    static Bytes multisig_script(const Plan& plan) {
        std::vector<Bytes> keys;
        for (std::size_t i = 0; i < plan.keys.size(); ++i) keys.push_back(pubkey(plan, i));
        const std::vector<ByteSpan> spans(keys.begin(), keys.end());
        return make_multisig(plan.choice.required, spans);
    }

    static void make_output(Plan& plan) {
        switch (plan.choice.kind) {
            case SpendKind::p2pk: plan.script_pubkey = make_p2pk(pubkey(plan, 0)); break;
            case SpendKind::p2pkh: plan.script_pubkey = make_p2pkh(hash160(pubkey(plan, 0))); break;
            case SpendKind::p2wpkh: plan.script_pubkey = make_witness_program(0, hash160(pubkey(plan, 0))); break;
            case SpendKind::p2sh_p2wpkh:
                plan.inner_script = make_witness_program(0, hash160(pubkey(plan, 0)));
                plan.script_pubkey = make_p2sh(hash160(plan.inner_script));
                break;
            case SpendKind::p2tr_key:
            case SpendKind::p2tr_script: make_taproot(plan); break;
            case SpendKind::multisig: plan.script_pubkey = multisig_script(plan); break;
            case SpendKind::p2sh_multisig:
                plan.inner_script = multisig_script(plan);
                plan.script_pubkey = make_p2sh(hash160(plan.inner_script));
                break;
            case SpendKind::p2wsh_multisig:
                plan.inner_script = multisig_script(plan);
                plan.script_pubkey = make_witness_program(0, sha256(plan.inner_script).span());
                break;
            case SpendKind::p2sh_p2wsh_multisig:
                plan.inner_script = multisig_script(plan);
                plan.script_pubkey = make_p2sh(hash160(make_witness_program(0, sha256(plan.inner_script).span())));
                break;
        }
    }

    static void make_taproot(Plan& plan) {
        const Uint256 key = plan.keys[0].public_key().xonly();
        TapTree leaf;
        leaf.script = ScriptBuilder().push(key.span()).op(Opcode::op_checksig).take();
        plan.inner_script = leaf.script;
        plan.taproot = make_taproot_output(key.span(), &leaf);
        plan.script_pubkey = make_witness_program(1, plan.taproot->output_key);
    }

    Bytes sign_ecdsa(const Transaction& tx, std::size_t i, const PrivateKey& key, ByteSpan script_code,
                     SigVersion version, const PrecomputedTxData& precomputed) const {
        const std::uint8_t hash_type = plans_[i].choice.hash_type;
        Bytes signature =
            key.sign_ecdsa(ecdsa_sighash(tx, i, script_code, hash_type, amounts_[i], version, &precomputed), false);
        signature.push_back(hash_type);
        return signature;
    }

    std::vector<Bytes> sign_multisig(const Transaction& tx, std::size_t i, ByteSpan script, SigVersion version,
                                     const PrecomputedTxData& precomputed) const {
        std::vector<Bytes> items(1);
        for (int k = 0; k < plans_[i].choice.required; ++k) {
            items.push_back(
                sign_ecdsa(tx, i, plans_[i].keys[static_cast<std::size_t>(k)], script, version, precomputed));
        }
        return items;
    }

    static Bytes pushes(const std::vector<Bytes>& items) {
        ScriptBuilder builder;
        for (const Bytes& item : items) builder.push(item);
        return builder.take();
    }

    void sign_taproot(const Transaction& tx, std::size_t i, const PrecomputedTxData& precomputed) {
        const Plan& plan = plans_[i];
        const bool by_key = plan.choice.kind == SpendKind::p2tr_key;
        TaprootContext context;
        context.tapleaf_hash = plan.taproot->leaves[0].hash;
        const auto hash = taproot_sighash(tx, i, plan.choice.hash_type,
                                          by_key ? SigVersion::taproot : SigVersion::tapscript, context, precomputed);
        const Uint256 message = hash.value_or(Uint256());
        const PrivateKey key = by_key ? plan.keys[0].xonly_tweak_add(plan.taproot->tweak).value() : plan.keys[0];
        Bytes signature = to_bytes(key.sign_schnorr(message.span(), Uint256()));
        if (plan.choice.hash_type != kSighashDefault) signature.push_back(plan.choice.hash_type);
        auto& witness = tx_.inputs[i].witness;
        witness = {signature};
        if (by_key) return;
        witness.push_back(plan.inner_script);
        witness.push_back(plan.taproot->leaves[0].control_block);
    }

    void sign_input(const Transaction& tx, std::size_t i, const PrecomputedTxData& precomputed) {
        const Plan& plan = plans_[i];
        auto& input = tx_.inputs[i];
        switch (plan.choice.kind) {
            case SpendKind::p2pk:
                input.script_sig =
                    pushes({sign_ecdsa(tx, i, plan.keys[0], plan.script_pubkey, SigVersion::base, precomputed)});
                break;
            case SpendKind::p2pkh:
                input.script_sig =
                    pushes({sign_ecdsa(tx, i, plan.keys[0], plan.script_pubkey, SigVersion::base, precomputed),
                            pubkey(plan, 0)});
                break;
            case SpendKind::p2sh_p2wpkh: input.script_sig = pushes({plan.inner_script}); [[fallthrough]];
            case SpendKind::p2wpkh: {
                const Bytes key = pubkey(plan, 0);
                input.witness = {
                    sign_ecdsa(tx, i, plan.keys[0], make_p2pkh(hash160(key)), SigVersion::witness_v0, precomputed),
                    key};
                break;
            }
            case SpendKind::p2tr_key:
            case SpendKind::p2tr_script: sign_taproot(tx, i, precomputed); break;
            case SpendKind::multisig:
                input.script_sig = pushes(sign_multisig(tx, i, plan.script_pubkey, SigVersion::base, precomputed));
                break;
            case SpendKind::p2sh_multisig: {
                auto items = sign_multisig(tx, i, plan.inner_script, SigVersion::base, precomputed);
                items.push_back(plan.inner_script);
                input.script_sig = pushes(items);
                break;
            }
            case SpendKind::p2sh_p2wsh_multisig:
                input.script_sig = pushes({make_witness_program(0, sha256(plan.inner_script).span())});
                [[fallthrough]];
            case SpendKind::p2wsh_multisig:
                input.witness = sign_multisig(tx, i, plan.inner_script, SigVersion::witness_v0, precomputed);
                input.witness.push_back(plan.inner_script);
                break;
        }
    }

    std::mt19937_64 random_;
    MutableTransaction tx_;
    std::vector<Plan> plans_;
    std::vector<Amount> amounts_;
};

}  // namespace cairn::test
