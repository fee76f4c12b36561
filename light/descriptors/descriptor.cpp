#include "light/descriptors/descriptor.hpp"

#include <algorithm>

#include "consensus/base/check.hpp"
#include "consensus/base/hex.hpp"
#include "consensus/crypto/hash.hpp"
#include "consensus/rules/params.hpp"
#include "consensus/script/script.hpp"
#include "consensus/script/taproot.hpp"

namespace cairn::light {
namespace {

constexpr std::string_view kInputCharacters =
    "0123456789()[],'/*abcdefgh@:$%{}"
    "IJKLMNOPQRSTUVWXYZ&+-.;<=>?!^_|~"
    "ijklmnopqrstuvwxyzABCDEFGH`#\"\\ ";
constexpr std::string_view kChecksumCharacters = "qpzry9x8gf2tvdw0s3jn54khce6mua7l";
constexpr std::size_t kChecksumSize = 8;

/// One step of the BCH code over GF(32) of BIP380.
std::uint64_t code_step(std::uint64_t state, unsigned symbol) {
    static constexpr std::uint64_t kGenerator[] = {0xf5dee51989, 0xa9fdca3312, 0x1bab10e32d, 0x3706b1677a,
                                                   0x644d626ffd};
    const auto top = static_cast<unsigned>(state >> 35);
    state = (state & 0x7ffffffff) << 5 ^ symbol;
    for (unsigned bit = 0; bit < 5; ++bit) {
        if (top >> bit & 1) state ^= kGenerator[bit];
    }
    return state;
}

std::string with_checksum(std::string text) {
    std::string checksum = descriptor_checksum(text);
    return std::move(text) + "#" + checksum;
}

Bytes single_sig(ByteSpan key) {
    return ScriptBuilder().push(key).op(Opcode::op_checksig).take();
}
Bytes p2sh_of(ByteSpan script) {
    return make_p2sh(hash160(script));
}
Bytes p2wpkh_of(ByteSpan key) {
    return make_witness_program(0, hash160(key));
}

}  // namespace

std::string descriptor_checksum(std::string_view text) {
    std::uint64_t state = 1;
    unsigned group = 0, in_group = 0;
    for (const char c : text) {
        const std::size_t position = kInputCharacters.find(c);
        if (position == std::string_view::npos) return {};
        state = code_step(state, position & 31);
        group = group * 3 + static_cast<unsigned>(position >> 5);
        if (++in_group == 3) {
            state = code_step(state, group);
            group = in_group = 0;
        }
    }
    if (in_group > 0) state = code_step(state, group);
    for (std::size_t i = 0; i < kChecksumSize; ++i) state = code_step(state, 0);
    state ^= 1;
    std::string checksum(kChecksumSize, ' ');
    for (std::size_t i = 0; i < kChecksumSize; ++i)
        checksum[i] = kChecksumCharacters[state >> (5 * (kChecksumSize - 1 - i)) & 31];
    return checksum;
}

std::optional<Descriptor::Keys> Descriptor::public_keys(std::uint32_t index, ScriptKeys* found) const {
    Keys keys;
    for (const KeyExpression& expression : keys_) {
        Bytes key;
        if (found) {
            auto derived = expression.derive(index);
            if (!derived) return std::nullopt;
            found->add_public(derived->pubkey, std::move(derived->origin));
            if (derived->private_key) found->add(*derived->private_key);
            if (!derived->participants.empty()) found->add_musig(std::move(derived->aggregate), std::move(derived->participants));
            for (const KeyExpression& participant : expression.participants()) {
                auto one = participant.derive(index);
                if (!one) return std::nullopt;
                found->add_public(one->pubkey, std::move(one->origin));
                if (one->private_key) found->add(*one->private_key);
            }
            key = std::move(derived->pubkey);
        } else {
            auto derived = expression.public_key(index);
            if (!derived) return std::nullopt;
            key = std::move(*derived);
        }
        keys.push_back(tapscript_ ? Bytes(key.begin() + 1, key.begin() + 33) : std::move(key));
    }
    return keys;
}

Bytes Descriptor::multi_script(Keys keys) const {
    if (sorted_) std::sort(keys.begin(), keys.end());
    if (!tapscript_) {
        const std::vector<ByteSpan> spans(keys.begin(), keys.end());
        return make_multisig(threshold_, spans);
    }
    ScriptBuilder script;
    for (std::size_t i = 0; i < keys.size(); ++i) script.push(keys[i]).op(i == 0 ? Opcode::op_checksig : Opcode::op_checksigadd);
    return script.number(threshold_).op(Opcode::op_numequal).take();
}

namespace {

/// The tree whose leaves stand, from left to right, at these depths; takes from the front.
std::unique_ptr<TapTree> build_tree(std::vector<Bytes>& leaves, const std::vector<int>& depths, std::size_t& next,
                                    int depth) {
    auto node = std::make_unique<TapTree>();
    if (depths[next] == depth) {
        node->script = std::move(leaves[next++]);
        return node;
    }
    node->left = build_tree(leaves, depths, next, depth + 1);
    node->right = build_tree(leaves, depths, next, depth + 1);
    return node;
}

}  // namespace

std::optional<Bytes> Descriptor::taproot_script(std::uint32_t index, ScriptKeys* found) const {
    const auto keys = public_keys(index, found);
    if (!keys) return std::nullopt;
    const ByteSpan xonly = ByteSpan(keys->front()).last(32);
    if (kind_ == Kind::rawtr) return make_witness_program(1, xonly);
    std::vector<Bytes> leaves;
    for (const auto& inner : inner_) {
        auto script = inner->inner_script(index, found);
        if (!script) return std::nullopt;
        leaves.push_back(std::move(*script));
    }
    std::size_t next = 0;
    const auto tree = leaves.empty() ? nullptr : build_tree(leaves, depths_, next, 0);
    const auto output = make_taproot_output(xonly, tree.get());
    if (!output) return std::nullopt;
    if (found) {
        TaprootSpend spend{Uint256(xonly), output->merkle_root, {}};
        for (std::size_t i = 0; i < output->leaves.size(); ++i) {
            const TaprootOutput::Leaf& leaf = output->leaves[i];
            spend.leaves.push_back({static_cast<std::uint8_t>(depths_[i]), leaf.leaf_version, leaf.script, leaf.control_block});
        }
        found->add_taproot(std::move(spend));
    }
    return make_witness_program(1, output->output_key);
}

std::optional<Bytes> Descriptor::inner_script(std::uint32_t index, ScriptKeys* found) const {
    switch (kind_) {
        case Kind::raw:
        case Kind::addr: return script_;
        case Kind::tr:
        case Kind::rawtr: return taproot_script(index, found);
        case Kind::sh:
        case Kind::wsh: {
            const auto script = inner_[0]->inner_script(index, found);
            if (!script) return std::nullopt;
            if (found) found->add_script(*script);
            return kind_ == Kind::sh ? p2sh_of(*script) : make_witness_program(0, sha256(*script).span());
        }
        default: break;
    }
    auto keys = public_keys(index, found);
    if (!keys) return std::nullopt;
    switch (kind_) {
        case Kind::multi: return multi_script(std::move(*keys));
        case Kind::miniscript: return miniscript::make_script(*node_, *keys);
        case Kind::pkh: return make_p2pkh(hash160(keys->front()));
        case Kind::wpkh: return p2wpkh_of(keys->front());
        default: return single_sig(keys->front());
    }
}

std::optional<std::vector<Bytes>> Descriptor::scripts(std::uint32_t index, ScriptKeys* found) const {
    auto first = inner_script(index, found);
    if (!first) return std::nullopt;
    if (kind_ == Kind::unused) return std::vector<Bytes>();
    std::vector<Bytes> scripts{std::move(*first)};
    if (kind_ == Kind::combo) {
        const Bytes key = *keys_[0].public_key(index);
        scripts.push_back(make_p2pkh(hash160(key)));
        if (keys_[0].compressed()) {
            const Bytes segwit = p2wpkh_of(key);
            scripts.push_back(segwit);
            scripts.push_back(p2sh_of(segwit));
            if (found) found->add_script(segwit);
        }
    }
    return scripts;
}

bool Descriptor::is_range() const {
    return std::any_of(keys_.begin(), keys_.end(), [](const KeyExpression& key) { return key.is_range(); }) ||
           std::any_of(inner_.begin(), inner_.end(), [](const auto& inner) { return inner->is_range(); });
}

bool Descriptor::has_private_keys() const {
    return std::any_of(keys_.begin(), keys_.end(), [](const KeyExpression& key) { return key.has_private_key(); }) ||
           std::any_of(inner_.begin(), inner_.end(), [](const auto& inner) { return inner->has_private_keys(); });
}

bool Descriptor::has_all_private_keys() const {
    return std::all_of(keys_.begin(), keys_.end(), [](const KeyExpression& key) { return key.has_all_private_keys(); }) &&
           std::all_of(inner_.begin(), inner_.end(), [](const auto& inner) { return inner->has_all_private_keys(); });
}

std::vector<KeyExpression> Descriptor::keys() const {
    std::vector<KeyExpression> all = keys_;
    for (const auto& inner : inner_) {
        const auto more = inner->keys();
        all.insert(all.end(), more.begin(), more.end());
    }
    return all;
}

std::optional<std::string> Descriptor::tree_text(Form form, std::size_t& leaf, int depth) const {
    if (depths_[leaf] == depth) return inner_[leaf++]->text(form);
    const auto left = tree_text(form, leaf, depth + 1);
    const auto right = tree_text(form, leaf, depth + 1);
    if (!left || !right) return std::nullopt;
    return "{" + *left + "," + *right + "}";
}

std::optional<std::string> Descriptor::text(Form form) const {
    std::vector<std::string> keys;
    for (const KeyExpression& key : keys_) {
        auto written = key.text(*params_, form);
        if (!written) return std::nullopt;
        keys.push_back(std::move(*written));
    }
    const auto with_inner = [&](const char* name) -> std::optional<std::string> {
        const auto inner = inner_[0]->text(form);
        if (!inner) return std::nullopt;
        return std::string(name) + "(" + *inner + ")";
    };
    switch (kind_) {
        case Kind::raw: return "raw(" + to_hex(script_) + ")";
        case Kind::addr: return "addr(" + address_ + ")";
        case Kind::sh: return with_inner("sh");
        case Kind::wsh: return with_inner("wsh");
        case Kind::pk: return "pk(" + keys[0] + ")";
        case Kind::pkh: return "pkh(" + keys[0] + ")";
        case Kind::wpkh: return "wpkh(" + keys[0] + ")";
        case Kind::combo: return "combo(" + keys[0] + ")";
        case Kind::unused: return "unused(" + keys[0] + ")";
        case Kind::rawtr: return "rawtr(" + keys[0] + ")";
        case Kind::miniscript: return miniscript::to_string(*node_, [&](std::size_t key) { return keys[key]; });
        case Kind::tr: {
            if (inner_.empty()) return "tr(" + keys[0] + ")";
            std::size_t leaf = 0;
            const auto tree = tree_text(form, leaf, 0);
            if (!tree) return std::nullopt;
            return "tr(" + keys[0] + "," + *tree + ")";
        }
        case Kind::multi: break;
    }
    std::string text = std::string(sorted_ ? "sortedmulti" : "multi") + (tapscript_ ? "_a(" : "(") + std::to_string(threshold_);
    for (const std::string& key : keys) text += "," + key;
    return text + ")";
}

std::optional<std::string> Descriptor::to_string(Form form) const {
    auto written = text(form);
    if (!written) return std::nullopt;
    return with_checksum(std::move(*written));
}

}  // namespace cairn::light
