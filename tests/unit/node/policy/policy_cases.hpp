#pragma once

#include <string>
#include <vector>

#include "consensus/chain/coin.hpp"
#include "consensus/crypto/hash.hpp"
#include "consensus/primitives/transaction.hpp"
#include "consensus/script/script.hpp"
#include "node/policy/policy.hpp"

namespace cairn::test {

inline Bytes filled(std::size_t size, std::uint8_t value = 1) { return Bytes(size, value); }
inline Bytes p2wpkh_script(std::uint8_t value = 1) { return make_witness_program(0, filled(20, value)); }
inline Bytes op_return_script(std::size_t size) {
    Bytes script(size, 0x51);
    script[0] = 0x6a;
    return script;
}
/// A multisig of made-up compressed keys.
inline Bytes multisig_script(int required, int keys) {
    std::vector<Bytes> made;
    for (int i = 0; i < keys; ++i) {
        made.push_back(filled(33, static_cast<std::uint8_t>(i + 1)));
        made.back()[0] = 2;
    }
    const std::vector<ByteSpan> spans(made.begin(), made.end());
    return make_multisig(required, spans);
}

/// A plain transaction of one input and one output, and the coins that it spends; change what a test is about.
struct PolicyCase {
    MutableTransaction tx;
    std::vector<Bytes> spent_scripts;
    node::MempoolOptions options;

    PolicyCase() {
        tx.version = 2;
        add_input(p2wpkh_script());
        tx.outputs.push_back({100'000, p2wpkh_script()});
    }

    MutableTransaction::Input& add_input(Bytes spent_script) {
        const auto number = static_cast<std::uint8_t>(tx.inputs.size() + 1);
        tx.inputs.push_back({OutPoint{Txid(Uint256(filled(32, number))), number}, {}, 0xfffffffd, {}});
        spent_scripts.push_back(std::move(spent_script));
        return tx.inputs.back();
    }
    MutableTransaction::Input& spend(Bytes script) {
        spent_scripts[0] = std::move(script);
        return tx.inputs[0];
    }

    template <class Check>
    auto with_coins(Check check) const {
        const TransactionPtr made = tx.finish();
        std::vector<TxOutput> outputs;
        for (const Bytes& script : spent_scripts) outputs.push_back({200'000, script});
        const std::vector<CoinOrigin> origins(outputs.size());
        return check(made->tx(), SpentCoins{outputs, origins});
    }

    node::PolicyResult standard() const { return node::check_standard(tx.finish()->tx(), options); }
    node::PolicyResult inputs() const {
        return with_coins([](const Transaction& made, const SpentCoins& spent) { return node::check_inputs_standard(made, spent); });
    }
    node::PolicyResult witness() const {
        return with_coins([](const Transaction& made, const SpentCoins& spent) { return node::check_witness_standard(made, spent); });
    }
    bool stripped() const {
        return with_coins([](const Transaction& made, const SpentCoins& spent) { return node::spends_non_anchor_witness_program(made, spent); });
    }
};

/// The token, or "ok".
template <class Verdict>
std::string token(const Verdict& verdict) {
    return verdict ? "ok" : verdict.error().reject_reason;
}
template <class Verdict>
std::string debug(const Verdict& verdict) {
    return verdict ? "" : verdict.error().debug;
}

}  // namespace cairn::test
