#include "light/client/filter_judge.hpp"

#include <algorithm>
#include <set>
#include <unordered_map>

#include "consensus/crypto/hash.hpp"
#include "consensus/primitives/block_filter.hpp"
#include "consensus/script/script.hpp"

namespace cairn::light {
namespace {

constexpr std::uint8_t kOpReturn = 0x6a;

/// What is known of the scripts of a block.
struct Evidence {
    std::set<Bytes> certain;     ///< in the filter of this block
    std::set<Bytes> likely;      ///< spent by it, going by what unlocks them
    std::size_t unknown = 0;     ///< inputs whose script does not show
    std::size_t derived = 0;     ///< inputs whose script seems to show
};

bool is_pubkey(ByteSpan data) {
    return (data.size() == 33 && (data[0] == 2 || data[0] == 3)) || (data.size() == 65 && data[0] == 4);
}

/// The elements that a script pushes; nullopt when it does anything else.
std::optional<std::vector<ByteSpan>> pushes(ByteSpan script) {
    std::vector<ByteSpan> found;
    for (std::size_t at = 0; at < script.size();) {
        const std::uint8_t op = script[at++];
        std::size_t size = op;
        if (op == 0x4c && at < script.size()) {
            size = script[at++];
        } else if (op == 0x4d && at + 1 < script.size()) {
            size = script[at] | std::size_t{script[at + 1]} << 8;
            at += 2;
        } else if (op >= 0x4f && op <= 0x60) {
            size = 0;
        } else if (op > 0x4b) {
            return std::nullopt;
        }
        if (size > script.size() - at) return std::nullopt;
        found.push_back(script.subspan(at, size));
        at += size;
    }
    return found;
}

/// The script that this input most likely spends.
std::optional<Bytes> likely_script(const TxInput& input) {
    if (!input.script_sig.empty()) {
        const auto pushed = pushes(input.script_sig);
        if (!pushed || pushed->empty()) return std::nullopt;
        const ByteSpan last = pushed->back();
        if (pushed->size() == 2 && is_pubkey(last)) return make_p2pkh(to_bytes(hash160(last)));
        if (pushed->size() == 1 && input.witness.empty() && last.size() >= 9 && last[0] == 0x30) return std::nullopt;  // a bare key's signature
        if (last.empty()) return std::nullopt;
        return make_p2sh(to_bytes(hash160(last)));
    }
    const std::size_t count = input.witness.size();
    if (count < 2) return std::nullopt;
    const ByteSpan last = input.witness[count - 1];
    if (count == 2 && last.size() == 33 && is_pubkey(last)) return make_witness_program(0, to_bytes(hash160(last)));
    const bool control_block = last.size() >= 33 && (last.size() - 33) % 32 == 0 && (last[0] & 0xfe) >= 0xc0;
    if (control_block || (!last.empty() && last[0] == 0x50)) return std::nullopt;  // taproot
    if (last.empty()) return std::nullopt;
    return make_witness_program(0, sha256(last).span());
}

Evidence gather(const Block& block) {
    Evidence evidence;
    std::unordered_map<Txid, const Transaction*> own;
    for (const Transaction& tx : block.txs()) {
        own.emplace(tx.txid, &tx);
        for (const TxOutput& output : tx.outputs)
            if (!output.script_pubkey.empty() && output.script_pubkey[0] != kOpReturn) evidence.certain.insert(to_bytes(output.script_pubkey));
    }
    for (std::size_t i = 1; i < block.txs().size(); ++i) {
        for (const TxInput& input : block.txs()[i].inputs) {
            if (const auto found = own.find(input.prevout.txid); found != own.end() && input.prevout.index < found->second->outputs.size()) {
                const ByteSpan script = found->second->outputs[input.prevout.index].script_pubkey;
                if (!script.empty()) evidence.certain.insert(to_bytes(script));
            } else if (auto script = likely_script(input)) {
                evidence.likely.insert(std::move(*script));
                ++evidence.derived;
            } else {
                ++evidence.unknown;
            }
        }
    }
    return evidence;
}

/// How many of the scripts are not in the filter.
std::size_t missing(const std::set<Bytes>& scripts, SipKey key, ByteSpan filter) {
    return static_cast<std::size_t>(std::ranges::count_if(scripts, [&](const Bytes& script) {
        FilterWatch one;
        one.add(script);
        const auto matches = one.match(key, filter);
        return !matches || !*matches;
    }));
}

}  // namespace

FilterJudgement judge_filters(const Block& block, std::span<const Bytes> filters) {
    const Evidence evidence = gather(block);
    const SipKey key = filter_key(block.hash());
    std::vector<ByteSpan> all(evidence.certain.begin(), evidence.certain.end());
    all.insert(all.end(), evidence.likely.begin(), evidence.likely.end());
    const Bytes computed = gcs::encode(key, std::move(all));

    FilterJudgement judgement;
    for (std::size_t i = 0; i < filters.size(); ++i) {
        const Bytes& filter = filters[i];
        if (evidence.unknown == 0 && filter == computed) judgement.right = i;
        const auto values = gcs::decode(filter);
        const std::size_t most = evidence.certain.size() + evidence.derived + evidence.unknown;
        judgement.impossible.push_back(!values || values->size() > most || missing(evidence.certain, key, filter) > 0);
        judgement.implausible.push_back(missing(evidence.likely, key, filter));
    }
    if (judgement.right)
        for (std::size_t i = 0; i < filters.size(); ++i)
            if (filters[i] != filters[*judgement.right]) judgement.impossible[i] = true;
    return judgement;
}

}  // namespace cairn::light
