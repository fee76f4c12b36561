#include "node/policy/dust.hpp"

#include <algorithm>
#include <map>

#include <fmt/format.h>

#include "consensus/base/codec.hpp"
#include "consensus/script/script.hpp"

namespace cairn::node {
namespace {

// What an input costs that spends the output: outpoint, script length, script, sequence. The script is a key and a signature;
// in a witness it counts a quarter.
constexpr std::int64_t kInputFrame = 32 + 4 + 1 + 4;
constexpr std::int64_t kInputScript = 107;

void collect_dust(const Transaction& parent, FeeRate dust_relay, std::vector<OutPoint>& unspent) {
    for (std::uint32_t i = 0; i < parent.outputs.size(); ++i) {
        if (is_dust(parent.outputs[i], dust_relay)) unspent.push_back({parent.txid, i});
    }
}

}  // namespace

Amount dust_threshold(const TxOutput& output, FeeRate dust_relay) {
    const ByteSpan script = output.script_pubkey;
    if (is_unspendable(script)) return 0;
    const auto size = static_cast<std::int64_t>(sizeof(Amount) + compact_size_length(script.size()) + script.size());
    return dust_relay.fee(size + kInputFrame + (witness_program(script) ? kInputScript / kWitnessScaleFactor : kInputScript));
}

bool is_dust(const TxOutput& output, FeeRate dust_relay) { return output.value < dust_threshold(output, dust_relay); }

std::vector<std::uint32_t> dust_outputs(const Transaction& tx, FeeRate dust_relay) {
    std::vector<std::uint32_t> found;
    for (std::uint32_t i = 0; i < tx.outputs.size(); ++i) {
        if (is_dust(tx.outputs[i], dust_relay)) found.push_back(i);
    }
    return found;
}

PolicyResult check_ephemeral_fee(const Transaction& tx, FeeRate dust_relay, Amount base_fee, Amount modified_fee) {
    if (base_fee == 0 && modified_fee == 0) return {};
    const bool dusty = std::any_of(tx.outputs.begin(), tx.outputs.end(), [&](const TxOutput& output) { return is_dust(output, dust_relay); });
    if (!dusty) return {};
    return fail(make_fault(PolicyReason::dust_with_fee, "tx with dust output must be 0-fee"));
}

Result<void, UnspentDust> check_ephemeral_spends(std::span<const TransactionPtr> package, FeeRate dust_relay, const Mempool& pool) {
    std::map<Txid, const Transaction*> members;
    for (const TransactionPtr& member : package) members.emplace(member->tx().txid, &member->tx());

    std::vector<Txid> parents;
    std::vector<OutPoint> unspent;
    for (const TransactionPtr& member : package) {
        const Transaction& tx = member->tx();
        parents.clear();
        unspent.clear();
        for (const TxInput& input : tx.inputs) parents.push_back(input.prevout.txid);
        std::sort(parents.begin(), parents.end());
        parents.erase(std::unique(parents.begin(), parents.end()), parents.end());
        for (const Txid& parent : parents) {
            if (const auto found = members.find(parent); found != members.end()) {
                collect_dust(*found->second, dust_relay, unspent);
            } else if (const MempoolEntry* entry = pool.find(parent)) {
                collect_dust(entry->tx->tx(), dust_relay, unspent);
            }
        }
        if (unspent.empty()) continue;
        std::erase_if(unspent, [&](const OutPoint& dust) {
            return std::any_of(tx.inputs.begin(), tx.inputs.end(), [&](const TxInput& input) { return input.prevout == dust; });
        });
        if (unspent.empty()) continue;
        auto debug = fmt::format("tx {} (wtxid={}) did not spend parent's ephemeral dust", tx.txid.to_display_hex(), tx.wtxid.to_display_hex());
        return fail(UnspentDust{make_fault(PolicyReason::missing_ephemeral_spends, std::move(debug)), tx.txid, tx.wtxid});
    }
    return {};
}

}  // namespace cairn::node
