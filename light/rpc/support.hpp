#pragma once

#include <string>
#include <vector>

#include "consensus/rules/params.hpp"
#include "consensus/script/script.hpp"
#include "light/rpc/methods.hpp"
#include "net/http/rpc_method.hpp"
#include "node/rpc/doc.hpp"

/// What many methods share. Every function throws http::RpcError in Bitcoin Core's words.
namespace cairn::light::rpc {

using http::elided;
using http::JsonWriter;
using http::RpcArg;
using http::RpcError;
using http::RpcMethod;
using http::RpcRequest;
using http::RpcTable;
using namespace node::doc;

namespace code {
using namespace http::rpc_code;
inline constexpr int kInsufficientFunds = -6, kInvalidLabel = -11, kKeypoolRanOut = -12, kUnlockNeeded = -13, kPassphraseIncorrect = -14,
                     kWrongEncryptionState = -15, kAlreadyUnlocked = -17, kWalletNotFound = -18, kWalletNotSpecified = -19,
                     kAlreadyLoaded = -35, kAlreadyExists = -36;
}  // namespace code

[[noreturn]] void raise(const WalletError& error);
[[noreturn]] void raise(const DeskError& error);
template <class T>
T expect(Outcome<T> outcome) {
    if (!outcome) raise(outcome.error());
    if constexpr (!std::is_void_v<T>) return std::move(*outcome);
}
template <class T>
T expect(DeskResult<T> outcome) {
    if (!outcome) raise(outcome.error());
    if constexpr (!std::is_void_v<T>) return std::move(*outcome);
}

/// The name in "/wallet/<name>".
std::optional<std::string> endpoint_wallet(const RpcRequest& request);
/// The wallet that a request means. -18 when it is not loaded, -19 when it could be several.
std::string wallet_name(const RpcContext& context, const RpcRequest& request);
/// Runs `work` with that wallet.
void with_wallet(const RpcContext& context, const RpcRequest& request, const std::function<void(Wallet&)>& work);
void ensure_unlocked(const Wallet& wallet);

/// A handler that has the wallet of the request.
using WalletHandler = std::function<void(Wallet&, const RpcRequest&, JsonWriter&)>;
/// Describes a method of category "wallet" with such a handler.
RpcMethod wallet_method(const RpcContext& context, std::string name, std::string description, std::vector<RpcArg> args, Results results,
                        WalletHandler handler);

/// The script of an address of this network: -5 with the reason.
Bytes address_script(const Wallet& wallet, const UniValue& address, const char* error_prefix = "Invalid Bitcoin address: ");
/// What is to be paid there; silent payment addresses, too. -5 with the reason.
Recipient recipient(const Wallet& wallet, const UniValue& address, Amount amount, const char* error_prefix = "Invalid Bitcoin address: ");
/// A label; "*" is none.
std::string label_of(const UniValue& value);
AddressType address_type(const UniValue& value);
/// "lastprocessedblock": {hash, height}.
void write_last_block(const Wallet& wallet, JsonWriter& out);
void write_parent_descriptors(const Wallet& wallet, ByteSpan script, JsonWriter& out);
/// All that the wallet knows of an address, as getaddressinfo tells it.
void write_address_info(const Wallet& wallet, ByteSpan script, JsonWriter& out);
/// [{address: amount}, {"data": hex}] or an object of them.
std::vector<Recipient> recipients(const Wallet& wallet, const UniValue& outputs);
/// Of fee_rate (sat/vB), conf_target and estimate_mode, any of which may be null.
void set_fee(CoinControl& control, const UniValue& fee_rate, const UniValue& conf_target, const UniValue& estimate_mode);
/// Puts a complete transaction into the ledger; it is to be broadcast once the wallet is free.
TransactionPtr commit(Wallet& wallet, const MutableTransaction& tx, std::map<std::string, std::string> notes = {}, std::optional<Txid> replaces = {},
                      const SilentOutputs* silent = nullptr);
/// Gives it to the network. The wallet keeps it and tries again later when that fails.
void send_out(const RpcContext& context, const TransactionPtr& tx);
/// As hexadecimal, with witnesses.
std::string hex_of(const MutableTransaction& tx);

}  // namespace cairn::light::rpc
