// Creating, loading and copying wallets; keys at rest.
#include <algorithm>

#include "light/rpc/support.hpp"

namespace cairn::light {

using namespace rpc;

namespace {

RpcArg load_on_startup_arg() {
    return arg_bool("load_on_startup", http::optional(), "Load it when the program starts from now on (true), or not (false); null leaves that as it is");
}

void note_startup(const RpcContext& context, const std::string& name, const UniValue& value) {
    if (!value.isNull()) context.desk->set_load_at_start(name, http::as_bool(value));
}

void write_name(const std::string& name, JsonWriter& out, const std::vector<std::string>& warnings = {}) {
    out.begin_object().field("name", name);
    if (!warnings.empty()) {
        out.key("warnings").begin_array();
        for (const std::string& warning : warnings) out.string(warning);
        out.end_array();
    }
    out.end_object();
}

Results name_result() { return {obj("", "", {str("name", "The wallet's name"), http::maybe(arr("warnings", "What should be known", {str("", "")}))})}; }

RpcMethod createwallet(const RpcContext& context) {
    return {"createwallet",
            "wallet",
            "Makes a new wallet and loads it.",
            {arg_str("wallet_name", http::required(), "Its name"),
             arg_bool("disable_private_keys", http::default_value("false"), "It only watches"),
             arg_bool("blank", http::default_value("false"), "It begins without keys"),
             arg_str("passphrase", http::optional(), "Encrypts it"),
             arg_bool("avoid_reuse", http::default_value("false"), "Keeps coins of addresses that were spent from apart"),
             arg_bool("descriptors", http::default_value("true"), "There are no other wallets"),
             load_on_startup_arg(),
             arg_bool("external_signer", http::default_value("false"), "Not available")},
            name_result(),
            examples("createwallet", "\"testwallet\""),
            [&context](const RpcRequest& request, JsonWriter& out) {
                if (!request.bool_or("descriptors", true)) {
                    throw RpcError{code::kWallet, "descriptors argument must be set to \"true\"; it is no longer possible to create a legacy wallet."};
                }
                if (request.bool_or("external_signer", false)) {
                    throw RpcError{code::kWallet, "Compiled without external signing support (required for external signing)"};
                }
                WalletOptions options;
                options.private_keys = !request.bool_or("disable_private_keys", false);
                options.blank = request.bool_or("blank", false);
                options.avoid_reuse = request.bool_or("avoid_reuse", false);
                std::vector<std::string> warnings;
                if (request.has("passphrase")) {
                    options.passphrase = request.string_or("passphrase", "");
                    if (options.passphrase.empty()) warnings.emplace_back("Empty string given as passphrase, wallet will not be encrypted.");
                    else if (!options.private_keys) {
                        throw RpcError{code::kWallet, "Passphrase provided but private keys are disabled. A passphrase is only used to encrypt private keys, so "
                                                      "cannot be used for wallets with private keys disabled."};
                    }
                }
                const std::string name = request.string_or("wallet_name", "");
                expect(context.desk->create(name, options));
                note_startup(context, name, request.arg("load_on_startup"));
                write_name(name, out, warnings);
            }};
}

RpcMethod loadwallet(const RpcContext& context) {
    return {"loadwallet", "wallet", "Loads a wallet from the disk.",
            {arg_str("filename", http::required(), "Its name"), load_on_startup_arg()},
            name_result(), examples("loadwallet", "\"testwallet\""),
            [&context](const RpcRequest& request, JsonWriter& out) {
                const std::string name = http::as_string(request.param(0));
                expect(context.desk->load(name));
                note_startup(context, name, request.arg("load_on_startup"));
                write_name(name, out);
            }};
}

RpcMethod unloadwallet(const RpcContext& context) {
    return {"unloadwallet", "wallet", "Unloads a wallet: the one of the endpoint, or the named one.",
            {arg_str("wallet_name", http::default_hint("the wallet of the endpoint"), "Its name; must be that of the endpoint when both are given"), load_on_startup_arg()},
            {obj("", "", {http::maybe(arr("warnings", "What should be known", {str("", "")}))})}, examples("unloadwallet", "wallet_name"),
            [&context](const RpcRequest& request, JsonWriter& out) {
                const auto endpoint = endpoint_wallet(request);
                if (endpoint && request.has("wallet_name") && *endpoint != request.string_or("wallet_name", "")) {
                    throw RpcError{code::kInvalidParameter, "The RPC endpoint wallet and the wallet name parameter specify different wallets"};
                }
                if (!endpoint && !request.has("wallet_name")) {
                    throw RpcError{code::kInvalidParameter, "Either the RPC endpoint wallet or the wallet name parameter must be provided"};
                }
                const std::string name = endpoint ? *endpoint : request.string_or("wallet_name", "");
                expect(context.desk->unload(name));
                note_startup(context, name, request.arg("load_on_startup"));
                out.begin_object().end_object();
            }};
}

RpcMethod listwallets(const RpcContext& context) {
    return {"listwallets", "wallet", "Lists the wallets that are loaded.", {}, {arr("", "", {str("walletname", "The name")})}, examples("listwallets"),
            [&context](const RpcRequest&, JsonWriter& out) {
                out.begin_array();
                for (const std::string& name : context.desk->loaded()) out.string(name);
                out.end_array();
            }};
}

RpcMethod listwalletdir(const RpcContext& context) {
    return {"listwalletdir", "wallet", "Lists the wallets on the disk.", {},
            {obj("", "", {arr("wallets", "", {obj("", "", {str("name", "The name"), arr("warnings", "What should be known", {str("", "")})})})})},
            examples("listwalletdir"),
            [&context](const RpcRequest&, JsonWriter& out) {
                out.begin_object().key("wallets").begin_array();
                for (const std::string& name : context.desk->stored()) {
                    out.begin_object().field("name", name).key("warnings").begin_array().end_array();
                    out.end_object();
                }
                out.end_array().end_object();
            }};
}

void write_info(const RpcContext& context, Wallet& wallet, JsonWriter& out) {
    out.begin_object();
    out.field("walletname", wallet.name()).field("walletversion", 169900).field("format", "rocksdb");
    out.field("txcount", wallet.ledger().size());
    out.field("keypoolsize", wallet.book().unused(false)).field("keypoolsize_hd_internal", wallet.book().unused(true));
    if (wallet.is_encrypted()) out.field("unlocked_until", wallet.is_locked() ? 0 : wallet.unlocked_until().value_or(0));
    out.field("private_keys_enabled", wallet.has_private_keys()).field("avoid_reuse", wallet.avoids_reuse());
    if (const auto scanning = context.desk->scanning(wallet.name())) {
        out.key("scanning").begin_object().field("duration", scanning->since_s).field("progress", scanning->progress).end_object();
    } else {
        out.field("scanning", false);
    }
    out.field("descriptors", true).field("external_signer", false).field("blank", wallet.book().all().empty());
    if (wallet.birth() > 0) out.field("birthtime", wallet.birth());
    out.key("flags").begin_array();
    if (wallet.avoids_reuse()) out.string("avoid_reuse");
    if (!wallet.has_private_keys()) out.string("disable_private_keys");
    out.string("descriptor_wallet").end_array();
    write_last_block(wallet, out);
    out.end_object();
}

RpcMethod getwalletinfo(const RpcContext& context) {
    return wallet_method(context, "getwalletinfo", "Tells about a wallet.", {},
                         {obj("", "", {str("walletname", "Its name"), num("txcount", "Its transactions"), num("keypoolsize", "Addresses that are watched ahead"),
                                       http::maybe(num("unlocked_until", "When it locks itself, seconds since 1970; 0: locked")),
                                       flag("private_keys_enabled", "Does it have keys?"), flag("avoid_reuse", "Does it keep reused addresses apart?"),
                                       any("scanning", "Blocks that are being looked at: duration and progress; false: none"), flag("descriptors", "Always true"),
                                       flag("blank", "Is it without keys?"), elided("and others, as Bitcoin Core has them")})},
                         [&context](Wallet& wallet, const RpcRequest&, JsonWriter& out) { write_info(context, wallet, out); });
}

RpcMethod setwalletflag(const RpcContext& context) {
    return wallet_method(context, "setwalletflag", "Changes a setting of the wallet.",
                         {arg_str("flag", http::required(), "avoid_reuse is the only one that can be changed"), arg_bool("value", http::default_value("true"), "The new state")},
                         {obj("", "", {str("flag_name", "The setting"), flag("flag_state", "Its new state"), http::maybe(str("warnings", "What should be known"))})},
                         [](Wallet& wallet, const RpcRequest& request, JsonWriter& out) {
                             const std::string& name = http::as_string(request.param(0));
                             const bool value = request.bool_or("value", true);
                             const auto known = {"avoid_reuse", "blank", "key_origin_metadata", "last_hardened_xpub_cached", "disable_private_keys", "descriptor_wallet",
                                                 "external_signer"};
                             if (std::find(known.begin(), known.end(), name) == known.end()) throw RpcError{code::kInvalidParameter, "Unknown wallet flag: " + name};
                             if (name != "avoid_reuse") throw RpcError{code::kInvalidParameter, "Wallet flag is immutable: " + name};
                             if (wallet.avoids_reuse() == value) {
                                 throw RpcError{code::kInvalidParameter, std::string("Wallet flag is already set to ") + (value ? "true" : "false") + ": " + name};
                             }
                             expect(wallet.set_avoid_reuse(value));
                             out.begin_object().field("flag_name", name).field("flag_state", value);
                             if (value) {
                                 out.field("warnings", "You need to rescan the blockchain in order to correctly mark used destinations in the past. Until this is done, some "
                                                       "destinations may be considered unused, even if the opposite is the case.");
                             }
                             out.end_object();
                         });
}

RpcMethod backupwallet(const RpcContext& context) {
    return {"backupwallet", "wallet", "Writes the whole wallet to a file, as it is: what is encrypted in it stays so, and what is not does not become so unless a passphrase is given.",
            {arg_str("destination", http::required(), "The file, or a folder for it"), arg_str("passphrase", http::optional(), "Seals the file; restorewallet needs it")}, {none()},
            examples("backupwallet", "\"backup.dat\""),
            [&context](const RpcRequest& request, JsonWriter& out) {
                const std::string name = wallet_name(context, request);
                with_wallet(context, request, [](Wallet&) {});
                expect(context.desk->backup(name, http::as_string(request.param(0)), request.string_or("passphrase", "")));
                out.null();
            }};
}

RpcMethod restorewallet(const RpcContext& context) {
    return {"restorewallet", "wallet", "Makes a wallet of a file that backupwallet wrote, and loads it.",
            {arg_str("wallet_name", http::required(), "Its name"), arg_str("backup_file", http::required(), "The file"), load_on_startup_arg(),
             arg_str("passphrase", http::optional(), "Of a file that is sealed")},
            name_result(), examples("restorewallet", "\"testwallet\" \"backup.dat\"", "\"testwallet\", \"backup.dat\""),
            [&context](const RpcRequest& request, JsonWriter& out) {
                const std::string name = http::as_string(request.param(0));
                expect(context.desk->restore(name, http::as_string(request.param(1)), request.string_or("passphrase", "")));
                note_startup(context, name, request.arg("load_on_startup"));
                write_name(name, out);
            }};
}

void ensure_encrypted(const Wallet& wallet, const char* method) {
    if (!wallet.is_encrypted()) {
        throw RpcError{code::kWrongEncryptionState, std::string("Error: running with an unencrypted wallet, but ") + method + " was called."};
    }
}

void ensure_no_rescan(const RpcContext& context, const Wallet& wallet, const char* before) {
    if (!context.desk->is_rescanning(wallet.name())) return;
    throw RpcError{code::kWallet, std::string("Error: the wallet is currently being used to rescan the blockchain for related transactions. Please call `abortrescan` before ") +
                                      before + "."};
}

RpcMethod walletpassphrase(const RpcContext& context) {
    return wallet_method(context, "walletpassphrase", "Unlocks an encrypted wallet for some time.",
                         {arg_str("passphrase", http::required(), "The passphrase"), arg_num("timeout", http::required(), "Seconds")}, {none()},
                         [](Wallet& wallet, const RpcRequest& request, JsonWriter& out) {
                             ensure_encrypted(wallet, "walletpassphrase");
                             const std::string& passphrase = http::as_string(request.param(0));
                             constexpr std::int64_t kLongest = 100'000'000;
                             const auto seconds = http::as_int<std::int64_t>(request.param(1));
                             if (seconds < 0) throw RpcError{code::kInvalidParameter, "Timeout cannot be negative."};
                             if (passphrase.empty()) throw RpcError{code::kInvalidParameter, "passphrase cannot be empty"};
                             expect(wallet.unlock(passphrase, std::min(seconds, kLongest)));
                             (void)wallet.refill();
                             out.null();
                         });
}

RpcMethod walletlock(const RpcContext& context) {
    return wallet_method(context, "walletlock", "Forgets the keys of an encrypted wallet until the next walletpassphrase.", {}, {none()},
                         [&context](Wallet& wallet, const RpcRequest&, JsonWriter& out) {
                             ensure_encrypted(wallet, "walletlock");
                             ensure_no_rescan(context, wallet, "locking the wallet");
                             expect(wallet.lock());
                             out.null();
                         });
}

RpcMethod walletpassphrasechange(const RpcContext& context) {
    return wallet_method(context, "walletpassphrasechange", "Changes the passphrase.",
                         {arg_str("oldpassphrase", http::required(), "The one that holds"), arg_str("newpassphrase", http::required(), "The new one")}, {none()},
                         [&context](Wallet& wallet, const RpcRequest& request, JsonWriter& out) {
                             ensure_encrypted(wallet, "walletpassphrasechange");
                             ensure_no_rescan(context, wallet, "changing the passphrase");
                             if (http::as_string(request.param(0)).empty() || http::as_string(request.param(1)).empty()) {
                                 throw RpcError{code::kInvalidParameter, "passphrase cannot be empty"};
                             }
                             expect(wallet.change_passphrase(request.param(0).get_str(), request.param(1).get_str()));
                             out.null();
                         });
}

RpcMethod encryptwallet(const RpcContext& context) {
    return wallet_method(context, "encryptwallet", "Encrypts the keys of a wallet.", {arg_str("passphrase", http::required(), "The passphrase")}, {str("", "What was done")},
                         [&context](Wallet& wallet, const RpcRequest& request, JsonWriter& out) {
                             if (!wallet.has_private_keys()) throw RpcError{-16, "Error: wallet does not contain private keys, nothing to encrypt."};
                             if (wallet.is_encrypted()) {
                                 throw RpcError{code::kWrongEncryptionState, "Error: running with an encrypted wallet, but encryptwallet was called."};
                             }
                             ensure_no_rescan(context, wallet, "encrypting the wallet");
                             if (http::as_string(request.param(0)).empty()) throw RpcError{code::kInvalidParameter, "passphrase cannot be empty"};
                             expect(wallet.encrypt(request.param(0).get_str()));
                             out.string("wallet encrypted; its keys are the same as before, so that words and backups of them stay good");
                         });
}

}  // namespace

void add_wallet_methods(http::RpcTable& table, const RpcContext& context) {
    for (auto* make : {createwallet, loadwallet, unloadwallet, listwallets, listwalletdir, getwalletinfo, setwalletflag, backupwallet, restorewallet, walletpassphrase,
                       walletlock, walletpassphrasechange, encryptwallet}) {
        table.add(make(context));
    }
}

}  // namespace cairn::light
