#include "node/mining/block_builder.hpp"

#include <algorithm>

#include "consensus/base/check.hpp"
#include "consensus/crypto/hash.hpp"
#include "consensus/primitives/merkle.hpp"
#include "consensus/rules/block_rules.hpp"
#include "consensus/rules/deployments.hpp"
#include "consensus/rules/difficulty.hpp"
#include "consensus/rules/header_rules.hpp"
#include "consensus/rules/subsidy.hpp"
#include "net/io/clock.hpp"

namespace cairn::node {

namespace {

constexpr std::uint8_t kOp0 = 0x00;
// Up to here the height takes one byte, and a coinbase script must have two.
constexpr Height kLastShortHeight = 16;
constexpr std::size_t kReservedValueSize = 32;
constexpr std::uint64_t kAskEvery = 8192;  // tries
// BIP141: op_return, a push of 36 bytes, and the mark of the commitment.
constexpr std::uint8_t kCommitmentPrefix[] = {0x6a, 0x24, 0xaa, 0x21, 0xa9, 0xed};

MutableTransaction make_coinbase(Height height, ByteSpan script_pubkey, Amount value) {
    MutableTransaction coinbase;
    MutableTransaction::Input input;
    input.script_sig = rules::coinbase_height_script(height);
    if (height <= kLastShortHeight) input.script_sig.push_back(kOp0);
    input.sequence = TxInput::kFinalSequence - 1;
    coinbase.inputs.push_back(std::move(input));
    coinbase.outputs.push_back({value, to_bytes(script_pubkey)});
    coinbase.lock_time = static_cast<std::uint32_t>(height - 1);
    return coinbase;
}

}  // namespace

Bytes BlockBuilder::witness_commitment(std::span<const Wtxid> wtxids) {
    std::vector<Uint256> leaves{Uint256()};  // the coinbase counts as zero
    leaves.insert(leaves.end(), wtxids.begin(), wtxids.end());
    const Bytes reserved(kReservedValueSize, 0);
    const Uint256 commitment = hash256(merkle_root(std::move(leaves)).root.span(), ByteSpan(reserved));
    Bytes script;
    Writer writer(script);
    writer.bytes(kCommitmentPrefix);
    writer.uint256(commitment);
    return script;
}

std::int64_t BlockBuilder::minimum_time(const HeaderNode& parent, const ChainParams& params) {
    const std::int64_t time = parent.median_time_past() + 1;
    if ((parent.height + 1) % params.difficulty_interval() != 0) return time;
    return std::max(time, static_cast<std::int64_t>(parent.header.time) - rules::kMaxTimewarp);
}

Bytes BlockBuilder::assemble(ByteSpan script_pubkey, std::span<const Transaction> transactions, Amount fees, const HeaderNode* tip) const {
    if (tip == nullptr) tip = chain_.view()->tip;
    const Height height = tip->height + 1;
    MutableTransaction coinbase = make_coinbase(height, script_pubkey, rules::block_subsidy(height, *params_) + fees);
    // The commitment is made before segwit holds, too; what it commits to goes into the witness only when that is allowed.
    std::vector<Wtxid> wtxids;
    wtxids.reserve(transactions.size());
    for (const Transaction& tx : transactions) wtxids.push_back(tx.wtxid);
    coinbase.outputs.push_back({0, witness_commitment(wtxids)});
    if (params_->active_at(BuriedDeployment::segwit, height)) coinbase.inputs[0].witness.emplace_back(kReservedValueSize, 0);
    const TransactionPtr first = coinbase.finish();
    CAIRN_CHECK(first != nullptr);

    std::vector<Uint256> txids{(*first)->txid};
    for (const Transaction& tx : transactions) txids.push_back(tx.txid);
    BlockHeader header;
    header.version = version_ ? *version_ : rules::DeploymentStates(params_).block_version(tip);
    header.previous = tip->hash;
    header.merkle_root = merkle_root(std::move(txids)).root;
    header.time = static_cast<std::uint32_t>(std::max(minimum_time(*tip, *params_), clock_.now()));
    header.bits = rules::next_work_required(*tip, header.time, *params_);

    Bytes raw;
    Writer writer(raw);
    header.write(writer);
    writer.compact_size(transactions.size() + 1);
    writer.bytes((*first)->raw);
    for (const Transaction& tx : transactions) writer.bytes(tx.raw);
    return raw;
}

bool BlockBuilder::solve(Bytes& raw_block, std::uint64_t& max_tries, const std::function<bool()>& keep_going) {
    Reader reader(raw_block);
    BlockHeader header = BlockHeader::read(reader);
    CAIRN_CHECK(reader.ok());
    const CompactTarget target = decode_compact(header.bits);
    if (target.negative || target.overflow || target.target.is_zero()) return false;
    bool found = false;
    while (max_tries > 0) {
        found = Arith256(header.hash()) <= target.target;
        if (found || header.nonce == 0xffffffff) break;
        --max_tries;
        ++header.nonce;
        if (header.nonce % kAskEvery == 0 && keep_going && !keep_going()) break;
    }
    Bytes solved;
    Writer writer(solved);
    header.write(writer);
    std::copy(solved.begin(), solved.end(), raw_block.begin());
    return found;
}

}  // namespace cairn::node
