#pragma once

#include "light/rpc/support.hpp"

/// What the methods that make transactions have in common: their arguments and options. Every function throws http::RpcError in Bitcoin
/// Core's words.
namespace cairn::light::rpc {

/// conf_target, estimate_mode, fee_rate.
std::vector<RpcArg> fee_args();
/// "options" of send, sendall, walletcreatefundedpsbt and fundrawtransaction: what all have, and `extra`.
RpcArg options_arg(std::vector<RpcArg> extra);
/// Those that walletcreatefundedpsbt and fundrawtransaction write their own way.
std::vector<RpcArg> camel_options();

/// Marks the recipients that bear the fee: by position, or by address.
void mark_fee_payers(std::vector<Recipient>& all, const Wallet& wallet, const UniValue& which);

/// Fees of send and sendall: among the arguments, or in the options.
void set_fee_once(CoinControl& control, const RpcRequest& request, const UniValue& options);
/// Names that send and sendall do not take any more.
void refuse_old_names(const UniValue& options);

/// Names that these methods do not know: -3.
void refuse_unknown_names(const UniValue& options);

/// Inputs as a caller names them: txid, vout, sequence, weight.
std::vector<PresetInput> preset_inputs(const UniValue& inputs);
/// Of everything in the options but fees. `recipients`: how many there are, for the place of change.
CoinControl control_of(const Wallet& wallet, const UniValue& options, std::vector<PresetInput> inputs, std::size_t recipients);
/// feeRate (bitcoins) beside fee_rate, where both exist. No rate is too low then.
void set_psbt_fee(CoinControl& control, const UniValue& options);
/// lockUnspents, lock_unspents.
void lock_spent(Wallet& wallet, const UniValue& options, const CreatedTransaction& made);

/// Creates. Where a caller may choose coins, whatever goes wrong is an error of the wallet (-4).
CreatedTransaction fund(Wallet& wallet, std::span<const Recipient> to, const CoinControl& control);

}  // namespace cairn::light::rpc
