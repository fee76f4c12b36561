#include "consensus/rules/signet.hpp"

#include "consensus/primitives/merkle.hpp"
#include "consensus/rules/block_rules.hpp"
#include "consensus/script/script.hpp"
#include "consensus/script/verify.hpp"

namespace cairn::rules {
namespace {

/// Marks the push of a commitment output that carries the solution.
constexpr std::array<std::uint8_t, 4> kSolutionHeader{0xec, 0xc7, 0xda, 0xa2};

constexpr ScriptFlags kSolutionFlags{ScriptFlag::p2sh, ScriptFlag::witness, ScriptFlag::dersig, ScriptFlag::nulldummy};

bool carries_solution(ByteSpan data) {
    return data.size() > kSolutionHeader.size() && std::equal(kSolutionHeader.begin(), kSolutionHeader.end(), data.begin());
}

/// A commitment output's script without the solution in it, and the solution.
struct Separated {
    Bytes script;
    std::optional<Bytes> solution;
};

/// Only the first push that begins with the header counts; of it the header stays. When there is one, everything is
/// written anew, which drops a malformed end; otherwise the script stays as it is.
Separated separate_solution(ByteSpan script) {
    Separated out;
    ScriptBuilder rest;
    ScriptReader reader(script);
    Instruction instruction;
    while (reader.next(instruction)) {
        ByteSpan data = instruction.data;
        if (data.empty()) {
            rest.op(instruction.opcode);
            continue;
        }
        if (!out.solution && carries_solution(data)) {
            out.solution = to_bytes(data.subspan(kSolutionHeader.size()));
            data = data.first(kSolutionHeader.size());
        }
        rest.push(data);
    }
    out.script = out.solution ? rest.take() : to_bytes(script);
    return out;
}

/// Reads script and witness of the solution into `input`; false when it is malformed.
bool read_solution(ByteSpan solution, MutableTransaction::Input& input) {
    Reader reader(solution);
    input.script_sig = to_bytes(reader.var_bytes());
    const std::uint64_t items = reader.compact_size();
    for (std::uint64_t i = 0; i < items && reader.ok(); ++i) input.witness.push_back(to_bytes(reader.var_bytes()));
    reader.expect_end();
    return reader.ok();
}

Uint256 merkle_root_with(const MutableTransaction& coinbase, std::span<const Transaction> txs) {
    std::vector<Uint256> leaves{coinbase.finish()->tx().txid};
    for (const Transaction& tx : txs.subspan(1)) leaves.push_back(tx.txid);
    return merkle_root(std::move(leaves)).root;
}

}  // namespace

std::optional<SignetTxs> make_signet_txs(const Block& block, ByteSpan challenge) {
    const auto index = witness_commitment_index(block);
    if (!index || block.txs()[0].inputs.empty()) return std::nullopt;

    MutableTransaction to_sign;
    to_sign.version = 0;
    MutableTransaction::Input& solution_input = to_sign.inputs.emplace_back();
    solution_input.sequence = 0;
    to_sign.outputs.push_back({0, ScriptBuilder().op(Opcode::op_return).take()});

    MutableTransaction coinbase(block.txs()[0]);
    Separated separated = separate_solution(coinbase.outputs[*index].script_pubkey);
    coinbase.outputs[*index].script_pubkey = std::move(separated.script);
    // No solution at all may still do for a challenge that anyone can meet.
    if (separated.solution && !read_solution(*separated.solution, solution_input)) return std::nullopt;

    Bytes signed_data;
    Writer writer(signed_data);
    writer.i32(block.header().version);
    writer.uint256(block.header().previous);
    writer.uint256(merkle_root_with(coinbase, block.txs()));
    writer.u32(block.header().time);

    MutableTransaction to_spend;
    to_spend.version = 0;
    to_spend.inputs.push_back({.script_sig = ScriptBuilder().op(Opcode::op_0).push(signed_data).take(), .sequence = 0});
    to_spend.outputs.push_back({0, to_bytes(challenge)});

    SignetTxs txs;
    txs.to_spend = to_spend.finish();
    solution_input.prevout = {txs.to_spend->tx().txid, 0};
    txs.to_sign = to_sign.finish();
    return txs;
}

bool check_signet_solution(const Block& block, const ChainParams& params) {
    if (block.hash() == params.genesis_hash()) return true;
    const auto txs = make_signet_txs(block, params.signet_challenge);
    if (!txs) return false;
    const PrecomputedTxData precomputed(txs->to_sign->tx(), txs->to_spend->tx().outputs);
    return verify_input(txs->to_sign->tx(), 0, kSolutionFlags, precomputed) == ScriptError::ok;
}

}  // namespace cairn::rules
