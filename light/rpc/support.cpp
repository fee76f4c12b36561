#include "light/rpc/support.hpp"

#include "consensus/base/hex.hpp"
#include "node/rpc/psbt_text.hpp"

namespace cairn::light::rpc {
namespace {

std::string url_decode(std::string_view text) {
    std::string out;
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] == '%' && i + 2 < text.size()) {
            if (const auto byte = from_hex(text.substr(i + 1, 2))) {
                out += static_cast<char>(byte->front());
                i += 2;
                continue;
            }
        }
        out += text[i];
    }
    return out;
}

int code_of(WalletErrorKind kind) {
    switch (kind) {
        case WalletErrorKind::invalid_parameter: return code::kInvalidParameter;
        case WalletErrorKind::invalid_address:
        case WalletErrorKind::unknown_transaction: return code::kInvalidAddressOrKey;
        case WalletErrorKind::insufficient_funds: return code::kInsufficientFunds;
        case WalletErrorKind::no_addresses: return code::kKeypoolRanOut;
        case WalletErrorKind::locked: return code::kUnlockNeeded;
        case WalletErrorKind::wrong_passphrase: return code::kPassphraseIncorrect;
        case WalletErrorKind::wrong_encryption: return code::kWrongEncryptionState;
        case WalletErrorKind::storage: return code::kDatabase;
        case WalletErrorKind::wallet:
        case WalletErrorKind::damaged: break;
    }
    return code::kWallet;
}

}  // namespace

void raise(const WalletError& error) { throw RpcError{code_of(error.kind), error.message}; }

void raise(const DeskError& error) {
    int number = code::kWallet;
    switch (error.kind) {
        case DeskError::Kind::not_found: number = code::kWalletNotFound; break;
        case DeskError::Kind::already_loaded: number = code::kAlreadyLoaded; break;
        case DeskError::Kind::already_exists: number = code::kAlreadyExists; break;
        case DeskError::Kind::bad_name:
        case DeskError::Kind::bad_file: number = code::kInvalidParameter; break;
        case DeskError::Kind::wrong_passphrase: number = code::kPassphraseIncorrect; break;
        case DeskError::Kind::rejected: number = code::kVerifyRejected; break;
        case DeskError::Kind::no_connection: number = code::kClientNotConnected; break;
        case DeskError::Kind::wallet: break;
    }
    throw RpcError{number, error.message};
}

std::optional<std::string> endpoint_wallet(const RpcRequest& request) {
    constexpr std::string_view kPrefix = "/wallet/";
    if (!request.uri.starts_with(kPrefix)) return std::nullopt;
    return url_decode(std::string_view(request.uri).substr(kPrefix.size()));
}

std::string wallet_name(const RpcContext& context, const RpcRequest& request) {
    if (const auto name = endpoint_wallet(request)) return *name;
    const auto loaded = context.desk->loaded();
    if (loaded.size() == 1) return loaded.front();
    if (loaded.empty()) {
        throw RpcError{code::kWalletNotFound, "No wallet is loaded. Load a wallet using loadwallet or create a new one with createwallet. (Note: A default "
                                              "wallet is no longer automatically created)"};
    }
    throw RpcError{code::kWalletNotSpecified,
                   "Multiple wallets are loaded. Please select which wallet to use by requesting the RPC through the /wallet/<walletname> URI path."};
}

void with_wallet(const RpcContext& context, const RpcRequest& request, const std::function<void(Wallet&)>& work) {
    if (!context.desk->use(wallet_name(context, request), work)) {
        throw RpcError{code::kWalletNotFound, "Requested wallet does not exist or is not loaded"};
    }
}

void ensure_unlocked(const Wallet& wallet) {
    if (wallet.is_locked()) throw RpcError{code::kUnlockNeeded, "Error: Please enter the wallet passphrase with walletpassphrase first."};
}

RpcMethod wallet_method(const RpcContext& context, std::string name, std::string description, std::vector<RpcArg> args, Results results,
                        WalletHandler handler) {
    std::string shown = examples(name);
    return {std::move(name), "wallet", std::move(description), std::move(args), std::move(results), std::move(shown),
            [&context, handler = std::move(handler)](const RpcRequest& request, JsonWriter& out) {
                with_wallet(context, request, [&](Wallet& wallet) { handler(wallet, request, out); });
            }};
}

Bytes address_script(const Wallet& wallet, const UniValue& address, const char* error_prefix) {
    const auto script = recipient_script(http::as_string(address), wallet.params());
    if (!script) throw RpcError{code::kInvalidAddressOrKey, error_prefix + address.get_str()};
    return *script;
}

Recipient recipient(const Wallet& wallet, const UniValue& address, Amount amount, const char* error_prefix) {
    if (!looks_like_silent_address(http::as_string(address))) return {address_script(wallet, address, error_prefix), amount, false};
    const auto silent = SilentAddress::parse(address.get_str(), wallet.params());
    if (!silent) throw RpcError{code::kInvalidAddressOrKey, silent.error()};
    return Recipient::of_silent(*silent, amount);
}

std::string label_of(const UniValue& value) {
    if (value.isNull()) return "";
    if (http::as_string(value) == "*") throw RpcError{code::kInvalidLabel, "Invalid label name"};
    return value.get_str();
}

AddressType address_type(const UniValue& value) {
    const auto type = address_type_by_name(http::as_string(value));
    if (!type || *type == AddressType::unknown) throw RpcError{code::kInvalidAddressOrKey, "Unknown address type '" + value.get_str() + "'"};
    return *type;
}

void write_last_block(const Wallet& wallet, JsonWriter& out) {
    out.key("lastprocessedblock").begin_object();
    out.field("hash", wallet.tip().hash).field("height", wallet.tip().height);
    out.end_object();
}

void write_parent_descriptors(const Wallet& wallet, ByteSpan script, JsonWriter& out) {
    out.key("parent_descs").begin_array();
    if (const auto place = wallet.book().find(script)) out.string(wallet.given_text(place->descriptor));
    out.end_array();
}

std::vector<Recipient> recipients(const Wallet& wallet, const UniValue& outputs) {
    std::vector<Recipient> all;
    const auto add = [&](const std::string& key, const UniValue& value) {
        if (key == "data") {
            Bytes data = http::as_hex_bytes(value, "Data");
            if (data.size() > 80) throw RpcError{code::kInvalidParameter, "Data is too long"};
            Bytes script{0x6a};
            if (data.size() > 75) script.push_back(0x4c);
            script.push_back(static_cast<std::uint8_t>(data.size()));
            script.insert(script.end(), data.begin(), data.end());
            all.push_back({std::move(script), 0, false});
            return;
        }
        Recipient one = recipient(wallet, UniValue(key), http::as_amount(value));
        for (const Recipient& other : all) {
            if (other.script == one.script && other.silent == one.silent) throw RpcError{code::kInvalidParameter, "Invalid parameter, duplicated address: " + key};
        }
        all.push_back(std::move(one));
    };
    if (outputs.isObject()) {
        for (std::size_t i = 0; i < outputs.size(); ++i) add(outputs.getKeys()[i], outputs.getValues()[i]);
        return all;
    }
    for (const UniValue& one : http::as_array(outputs).getValues()) {
        if (!one.isObject()) throw RpcError{code::kInvalidParameter, "Invalid parameter, key-value pair not an object as expected"};
        if (one.size() != 1) throw RpcError{code::kInvalidParameter, "Invalid parameter, key-value pair must contain exactly one key"};
        add(one.getKeys()[0], one.getValues()[0]);
    }
    return all;
}

void set_fee(CoinControl& control, const UniValue& fee_rate, const UniValue& conf_target, const UniValue& estimate_mode) {
    if (!fee_rate.isNull()) {
        if (!conf_target.isNull()) {
            throw RpcError{code::kInvalidParameter, "Cannot specify both conf_target and fee_rate. Please provide either a confirmation target in blocks for "
                                                    "automatic fee estimation, or an explicit fee rate."};
        }
        if (!estimate_mode.isNull() && http::as_string(estimate_mode) != "unset") {
            throw RpcError{code::kInvalidParameter, "Cannot specify both estimate_mode and fee_rate"};
        }
        control.fee_rate = FeeRate{http::as_amount(fee_rate, 3)};
        if (!control.signal_rbf) control.signal_rbf = true;
        return;
    }
    if (!estimate_mode.isNull()) {
        std::string mode = http::as_string(estimate_mode);
        for (char& c : mode) c = static_cast<char>(c >= 'A' && c <= 'Z' ? c + 32 : c);
        if (mode == "economical") control.mode = EstimateMode::economical;
        else if (mode == "conservative") control.mode = EstimateMode::conservative;
        else if (mode != "unset") {
            throw RpcError{code::kInvalidParameter, "Invalid estimate_mode parameter, must be one of: \"unset\", \"economical\", \"conservative\""};
        }
    }
    if (!conf_target.isNull()) {
        const int target = http::as_int<int>(conf_target);
        if (target < 1 || target > 1008) throw RpcError{code::kInvalidParameter, "Invalid conf_target, must be between 1 and 1008"};
        control.confirm_target = target;
    }
}

TransactionPtr commit(Wallet& wallet, const MutableTransaction& tx, std::map<std::string, std::string> notes, std::optional<Txid> replaces,
                      const SilentOutputs* silent) {
    return expect(wallet.commit(tx, std::move(notes), replaces, silent))->tx;
}

void send_out(const RpcContext& context, const TransactionPtr& tx) {
    // It is in the wallet already: the host tries again until it is in a block.
    (void)context.desk->broadcast(tx);
}

std::string hex_of(const MutableTransaction& tx) { return to_hex(tx.serialize()); }

}  // namespace cairn::light::rpc
