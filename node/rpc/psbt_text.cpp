#include "node/rpc/psbt_text.hpp"

#include "consensus/script/sighash.hpp"
#include "light/psbt/base64.hpp"
#include "net/http/rpc_error.hpp"
#include "net/http/rpc_params.hpp"

namespace cairn::node {
namespace {

namespace code = http::rpc_code;

constexpr std::pair<std::string_view, int> kHashTypes[] = {
    {"DEFAULT", kSighashDefault},
    {"ALL", kSighashAll},
    {"ALL|ANYONECANPAY", kSighashAll | kSighashAnyoneCanPay},
    {"NONE", kSighashNone},
    {"NONE|ANYONECANPAY", kSighashNone | kSighashAnyoneCanPay},
    {"SINGLE", kSighashSingle},
    {"SINGLE|ANYONECANPAY", kSighashSingle | kSighashAnyoneCanPay},
};

}  // namespace

light::Psbt read_psbt(const UniValue& text) {
    const auto raw = light::from_base64(http::as_string(text));
    if (!raw) throw http::RpcError{code::kDeserialization, "TX decode failed invalid base64"};
    auto psbt = light::Psbt::parse(*raw);
    if (!psbt) throw http::RpcError{code::kDeserialization, "TX decode failed " + psbt.error()};
    return std::move(*psbt);
}

std::string psbt_text(const light::Psbt& psbt) { return light::to_base64(psbt.serialize()); }

std::optional<int> read_hash_type(const UniValue& value) {
    if (value.isNull()) return std::nullopt;
    const std::string& text = http::as_string(value);
    for (const auto& [name, type] : kHashTypes)
        if (text == name) return type;
    throw http::RpcError{code::kInvalidParameter, "'" + text + "' is not a valid sighash parameter."};
}

std::string_view hash_type_name(std::uint8_t hash_type) {
    for (const auto& [name, type] : kHashTypes)
        if (hash_type == type) return name;
    return {};
}

}  // namespace cairn::node
