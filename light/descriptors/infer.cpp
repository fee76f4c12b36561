#include "consensus/base/hex.hpp"
#include "consensus/crypto/hash.hpp"
#include "consensus/rules/params.hpp"
#include "consensus/script/script.hpp"
#include "consensus/script/solver.hpp"
#include "light/descriptors/descriptor.hpp"
#include "light/descriptors/miniscript_decode.hpp"

namespace cairn::light {
namespace {

std::string with_checksum(std::string text) {
    std::string checksum = descriptor_checksum(text);
    return std::move(text) + "#" + checksum;
}

Hash160 as_hash160(ByteSpan bytes) {
    Hash160 hash{};
    std::copy(bytes.begin(), bytes.end(), hash.begin());
    return hash;
}

/// Finds the descriptor of a script from the outside inwards. Every function gives nullopt when too little is known.
class Inference {
public:
    Inference(const ChainParams& params, const ScriptKeys& known) : params_(params), known_(known) {}

    std::optional<std::string> script(ByteSpan bytes, KeyPlace place) const {
        const Solution solution = solve(bytes);
        const bool legacy_place = place == KeyPlace::top || place == KeyPlace::p2sh || place == KeyPlace::p2wsh;
        if (place == KeyPlace::p2tr) return leaf(bytes);
        switch (solution.type) {
            case OutputType::pubkey:
            case OutputType::multisig:
                if (auto text = bare_keys(solution, place)) return text;
                break;
            case OutputType::pubkeyhash:
                if (auto key = hashed_key(solution.parts[0], place); key && legacy_place) return "pkh(" + *key + ")";
                break;
            case OutputType::witness_v0_keyhash:
                if (place == KeyPlace::p2wsh) break;
                if (auto key = hashed_key(solution.parts[0], KeyPlace::p2wpkh)) return "wpkh(" + *key + ")";
                break;
            case OutputType::scripthash: {
                const Bytes* inner = place == KeyPlace::top ? known_.find_script(as_hash160(solution.parts[0])) : nullptr;
                const auto text = inner ? script(*inner, KeyPlace::p2sh) : std::nullopt;
                if (text) return "sh(" + *text + ")";
                break;
            }
            case OutputType::witness_v0_scripthash: {
                const Bytes* inner = place == KeyPlace::p2wsh ? nullptr : known_.find_witness_script(Uint256(solution.parts[0]));
                const auto text = inner ? script(*inner, KeyPlace::p2wsh) : std::nullopt;
                if (text) return "wsh(" + *text + ")";
                break;
            }
            case OutputType::witness_v1_taproot:
                if (auto text = place == KeyPlace::top ? taproot(solution.parts[0]) : std::nullopt) return text;
                break;
            default: break;
        }
        if (place != KeyPlace::p2wsh) return std::nullopt;
        return expression(bytes, miniscript::Context::p2wsh);
    }

private:
    std::optional<std::string> key(ByteSpan bytes, KeyPlace place) const {
        const auto* info = known_.find_public(hash160(bytes));
        const auto expression = KeyExpression::from_public_key(bytes, place, info ? info->origin : std::nullopt);
        return expression ? expression->text(params_) : std::nullopt;
    }
    std::string xonly_key(ByteSpan bytes) const {
        const auto* info = known_.find_public_xonly(Uint256(bytes));
        return *KeyExpression::from_xonly(bytes, info ? info->origin : std::nullopt).text(params_);
    }
    std::optional<std::string> hashed_key(ByteSpan hash, KeyPlace place) const {
        const auto* info = known_.find_public(as_hash160(hash));
        return info ? key(info->key, place) : std::nullopt;
    }

    /// pk() or multi() around the keys of a bare script.
    std::optional<std::string> bare_keys(const Solution& solution, KeyPlace place) const {
        const bool several = solution.type == OutputType::multisig;
        std::string text = several ? "multi(" + std::to_string(solution.required) : "pk(";
        for (const ByteSpan part : solution.parts) {
            const auto one = key(part, place);
            if (!one) return std::nullopt;
            text += (several ? "," : "") + *one;
        }
        return text + ")";
    }

    std::optional<std::string> expression(ByteSpan bytes, miniscript::Context context) const {
        const bool tapscript = context == miniscript::Context::tapscript;
        const auto key_of_hash = [&](ByteSpan hash) -> std::optional<Bytes> {
            const auto* info = known_.find_public(as_hash160(hash));
            if (!info) return std::nullopt;
            return tapscript ? Bytes(info->key.begin() + 1, info->key.begin() + 33) : info->key;
        };
        const auto found = miniscript::decode(bytes, context, key_of_hash);
        if (!found || !miniscript::is_sane(*found->node, found->keys)) return std::nullopt;
        std::vector<std::string> names;
        for (const Bytes& one : found->keys) {
            const auto name = tapscript ? std::optional(xonly_key(one)) : key(one, KeyPlace::p2wsh);
            if (!name) return std::nullopt;
            names.push_back(*name);
        }
        return miniscript::to_string(*found->node, [&](std::size_t n) { return names[n]; });
    }

    std::optional<std::string> leaf(ByteSpan bytes) const {
        if (bytes.size() == 34 && bytes[0] == 32 && bytes[33] == static_cast<std::uint8_t>(Opcode::op_checksig))
            return "pk(" + xonly_key(bytes.subspan(1, 32)) + ")";
        return expression(bytes, miniscript::Context::tapscript);
    }

    std::optional<std::string> taproot(ByteSpan output_key) const {
        if (!is_xonly_key(Uint256(output_key))) return std::nullopt;
        const TaprootSpend* spend = known_.find_taproot(Uint256(output_key));
        if (spend && (!spend->leaves.empty() || !spend->merkle_root)) {
            std::size_t next = 0;
            const auto tree = spend->leaves.empty() ? std::optional<std::string>("") : branch(*spend, next, 0);
            if (tree) return "tr(" + xonly_key(spend->internal_key.span()) + (tree->empty() ? "" : "," + *tree) + ")";
        }
        return "rawtr(" + xonly_key(output_key) + ")";
    }

    std::optional<std::string> branch(const TaprootSpend& spend, std::size_t& next, int depth) const {
        if (next >= spend.leaves.size()) return std::nullopt;
        const TaprootSpend::Leaf& one = spend.leaves[next];
        if (one.depth == depth) {
            ++next;
            return one.version == kTapscriptLeafVersion ? leaf(one.script) : std::nullopt;
        }
        if (one.depth < depth) return std::nullopt;
        const auto left = branch(spend, next, depth + 1);
        const auto right = left ? branch(spend, next, depth + 1) : std::nullopt;
        if (!right) return std::nullopt;
        return "{" + *left + "," + *right + "}";
    }

    const ChainParams& params_;
    const ScriptKeys& known_;
};

}  // namespace

std::string infer_descriptor(ByteSpan script, const ChainParams& params, const ScriptKeys& known) {
    if (auto text = Inference(params, known).script(script, KeyPlace::top)) return with_checksum(std::move(*text));
    if (const auto address = address_of(script, params.addresses)) return with_checksum("addr(" + *address + ")");
    return with_checksum("raw(" + to_hex(script) + ")");
}

std::string infer_descriptor(ByteSpan script, const ChainParams& params, ByteSpan redeem) {
    ScriptKeys known;
    // Of a script behind P2SH nothing is told: what it is for is not certain without its keys.
    if (!redeem.empty() && classify(script) == OutputType::witness_v0_scripthash) known.add_script(to_bytes(redeem));
    return infer_descriptor(script, params, known);
}

}  // namespace cairn::light
