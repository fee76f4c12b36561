#pragma once

#include <algorithm>
#include <cstdint>

#include "consensus/chain/coin.hpp"
#include "consensus/primitives/transaction.hpp"
#include "consensus/script/flags.hpp"  // kMandatoryScriptFlags, kStandardScriptFlags
#include "node/mempool/options.hpp"
#include "node/policy/fault.hpp"

/// Which transactions are passed on although blocks would allow more. Everything here is a pure function of the
/// transaction, the coins it spends and the operator's options; limits and tokens are those of Bitcoin Core 31.
namespace cairn::node {

inline constexpr std::uint32_t kMinStandardVersion = 1;
inline constexpr std::uint32_t kMaxStandardVersion = 3;
inline constexpr std::int64_t kMaxStandardWeight = 400'000;
inline constexpr std::int64_t kMaxStandardSigopCost = 16'000;  ///< a fifth of a block's
inline constexpr unsigned kMaxLegacySigops = 2'500;            ///< outside the witness, in one transaction (BIP54)
inline constexpr unsigned kMaxP2shSigops = 15;                 ///< in one redeem script
inline constexpr std::size_t kMinStandardNonWitnessSize = 65;  ///< 64 bytes look like a node of a merkle tree (CVE-2017-12842)
inline constexpr std::size_t kMaxStandardScriptSigSize = 1'650;
inline constexpr std::size_t kMaxStandardWitnessScriptSize = 3'600;  ///< of P2WSH
inline constexpr std::size_t kMaxStandardWitnessItems = 100;         ///< of P2WSH, beside the script
inline constexpr std::size_t kMaxStandardWitnessItemSize = 80;       ///< of P2WSH and of tapscript
inline constexpr unsigned kMaxDustOutputs = 1;                       ///< in one transaction, and only without a fee

// ---------------------------------------------------------------------------------------------- the transaction alone

/// Its own form: version, weight, input and output scripts, data carried, dust. Says nothing of coins.
/// Tokens: version, tx-size, scriptsig-size, scriptsig-not-pushonly, scriptpubkey, datacarrier, bare-multisig, dust.
/// Only where options.require_standard; the caller looks.
PolicyResult check_standard(const Transaction& tx, const MempoolOptions& options);

/// "tx-size-small"; for every transaction, standard or not.
PolicyResult check_nonwitness_size(const Transaction& tx);

/// True for an output that check_standard takes (leaving dust, data and bare multisig as such to it).
bool is_standard_output(ByteSpan script_pubkey);

// ---------------------------------------------------------------------------------------------- with its coins

/// The scripts that it spends, but for the witness: "bad-txns-nonstandard-inputs". After check_standard (input scripts only
/// push); no coin is missing. Only where options.require_standard.
PolicyResult check_inputs_standard(const Transaction& tx, const SpentCoins& spent);

/// Sizes of witness items and scripts, no annex: "bad-witness-nonstandard". Only where options.require_standard.
PolicyResult check_witness_standard(const Transaction& tx, const SpentCoins& spent);

/// "bad-txns-too-many-sigops"; for every transaction. `sigop_cost`: rules::sigop_cost with kStandardScriptFlags.
PolicyResult check_sigop_cost(std::int64_t sigop_cost);

/// Whether an input spends a witness program other than P2A, bare or in P2SH. A transaction without a witness whose scripts
/// fail and for which this is true may have been stripped of it: TxRefusal::witness_stripped.
bool spends_non_anchor_witness_program(const Transaction& tx, const SpentCoins& spent);

// ---------------------------------------------------------------------------------------------- sizes and fees

/// Signature operations count like bytes: max(weight, sigop_cost × bytes_per_sigop).
inline std::int64_t adjusted_weight(std::int64_t weight, std::int64_t sigop_cost, unsigned bytes_per_sigop) {
    return std::max(weight, sigop_cost * static_cast<std::int64_t>(bytes_per_sigop));
}
inline std::int64_t adjusted_vsize(std::int64_t weight, std::int64_t sigop_cost, unsigned bytes_per_sigop) {
    return (adjusted_weight(weight, sigop_cost, bytes_per_sigop) + kWitnessScaleFactor - 1) / kWitnessScaleFactor;
}

/// Does a transaction or a package pay enough to be looked at? `rolling_minimum`: Mempool::rolling_minimum.
/// Tokens: "mempool min fee not met", "min relay fee not met"; both reconsiderable.
PolicyResult check_fee_rate(Amount modified_fee, std::int64_t vsize, FeeRate rolling_minimum, const MempoolOptions& options);

}  // namespace cairn::node
