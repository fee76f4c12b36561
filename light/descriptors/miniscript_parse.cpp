#include <algorithm>
#include <charconv>

#include "consensus/base/hex.hpp"
#include "consensus/crypto/hash.hpp"
#include "consensus/script/script.hpp"
#include "light/descriptors/miniscript_node.hpp"

namespace cairn::light::miniscript {
namespace {

constexpr int kMaxDepth = 400;
constexpr std::size_t kMaxMultiAKeys = 999;
constexpr std::size_t kMaxText = 1'000'000;

/// Recursive descent. Every function gives null when the text is no miniscript.
class Parser {
public:
    using ReadKey = std::function<std::optional<std::size_t>(std::string_view)>;

    Parser(std::string_view text, Context context, const ReadKey& read_key) : text_(text), context_(context), read_key_(read_key) {}

    NodePtr parse() {
        NodePtr node = expression(0);
        return text_.empty() ? std::move(node) : nullptr;
    }

private:
    NodePtr make(Fragment fragment, std::vector<NodePtr> subs = {}, std::uint32_t number = 0, std::vector<std::size_t> keys = {}, Bytes hash = {}) const {
        return make_node(context_, fragment, std::move(subs), number, std::move(keys), std::move(hash));
    }
    template <class... Parts>
    NodePtr join(Fragment fragment, Parts... given) const {
        std::vector<NodePtr> subs;
        (subs.push_back(std::move(given)), ...);
        if (std::ranges::any_of(subs, [](const NodePtr& sub) { return !sub; })) return nullptr;
        return make(fragment, std::move(subs));
    }

    bool take(std::string_view word) {
        if (!text_.starts_with(word)) return false;
        text_.remove_prefix(word.size());
        return true;
    }
    /// What stands before the next of these characters, which stays.
    std::string_view take_until(std::string_view ends) {
        const std::string_view found = text_.substr(0, std::min(text_.find_first_of(ends), text_.size()));
        text_.remove_prefix(found.size());
        return found;
    }
    /// A key, which may have arguments in brackets itself.
    std::optional<std::string_view> take_key() {
        std::size_t end = 0;
        for (int level = 0; end < text_.size(); ++end) {
            if (level == 0 && (text_[end] == ',' || text_[end] == ')')) break;
            level += text_[end] == '(' ? 1 : text_[end] == ')' ? -1 : 0;
        }
        if (end == text_.size()) return std::nullopt;
        const std::string_view found = text_.substr(0, end);
        text_.remove_prefix(end);
        return found;
    }
    std::optional<std::size_t> read_key() {
        const auto key = take_key();
        return key ? read_key_(*key) : std::nullopt;
    }
    std::optional<std::uint32_t> take_number(std::string_view ends) {
        const std::string_view digits = take_until(ends);
        std::uint32_t number = 0;
        const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), number);
        if (digits.empty() || error != std::errc() || end != digits.data() + digits.size() || number < 1 || number > 0x7fffffff) return std::nullopt;
        return number;
    }

    /// The letters before a colon, which is taken too; empty when there is none.
    std::string_view take_wrappers() {
        const auto letter = [](char c) { return c >= 'a' && c <= 'z'; };
        const auto end = std::ranges::find_if_not(text_, letter);
        if (end == text_.begin() || end == text_.end() || *end != ':') return {};
        const std::string_view letters = text_.substr(0, static_cast<std::size_t>(end - text_.begin()));
        text_.remove_prefix(letters.size() + 1);
        return letters;
    }

    NodePtr expression(int depth) {
        if (depth > kMaxDepth) return nullptr;
        const std::string_view letters = take_wrappers();
        if (letters.size() > static_cast<std::size_t>(kMaxDepth) || letters.find("vv") != std::string_view::npos) return nullptr;
        NodePtr node = function(depth + 1 + static_cast<int>(letters.size()));
        for (auto letter = letters.rbegin(); letter != letters.rend() && node; ++letter) node = wrap(*letter, std::move(node));
        return node;
    }

    NodePtr wrap(char letter, NodePtr node) const {
        switch (letter) {
            case 'a': return join(Fragment::wrap_a, std::move(node));
            case 's': return join(Fragment::wrap_s, std::move(node));
            case 'c': return join(Fragment::wrap_c, std::move(node));
            case 'd': return join(Fragment::wrap_d, std::move(node));
            case 'v': return join(Fragment::wrap_v, std::move(node));
            case 'j': return join(Fragment::wrap_j, std::move(node));
            case 'n': return join(Fragment::wrap_n, std::move(node));
            case 't': return join(Fragment::and_v, std::move(node), make(Fragment::just_1));
            case 'l': return join(Fragment::or_i, make(Fragment::just_0), std::move(node));
            case 'u': return join(Fragment::or_i, std::move(node), make(Fragment::just_0));
            default: return nullptr;
        }
    }

    NodePtr function(int depth) {
        if (take("0")) return make(Fragment::just_0);
        if (take("1")) return make(Fragment::just_1);
        if (take("pk(")) return join(Fragment::wrap_c, key(Fragment::pk_k));
        if (take("pkh(")) return join(Fragment::wrap_c, key(Fragment::pk_h));
        if (take("pk_k(")) return key(Fragment::pk_k);
        if (take("pk_h(")) return key(Fragment::pk_h);
        if (take("sha256(")) return hash(Fragment::sha256, 32);
        if (take("hash256(")) return hash(Fragment::hash256, 32);
        if (take("ripemd160(")) return hash(Fragment::ripemd160, 20);
        if (take("hash160(")) return hash(Fragment::hash160, 20);
        if (take("after(")) return lock(Fragment::after);
        if (take("older(")) return lock(Fragment::older);
        if (take("multi(")) return multi(Fragment::multi);
        if (take("multi_a(")) return multi(Fragment::multi_a);
        if (take("thresh(")) return threshold(depth);
        return combination(depth);
    }

    NodePtr combination(int depth) {
        if (take("andor(")) return several(Fragment::andor, 3, depth);
        if (take("and_v(")) return several(Fragment::and_v, 2, depth);
        if (take("and_b(")) return several(Fragment::and_b, 2, depth);
        if (take("or_b(")) return several(Fragment::or_b, 2, depth);
        if (take("or_c(")) return several(Fragment::or_c, 2, depth);
        if (take("or_d(")) return several(Fragment::or_d, 2, depth);
        if (take("or_i(")) return several(Fragment::or_i, 2, depth);
        if (!take("and_n(")) return nullptr;
        NodePtr first = expression(depth);
        if (!first || !take(",")) return nullptr;
        NodePtr second = expression(depth);
        if (!second || !take(")")) return nullptr;
        return join(Fragment::andor, std::move(first), std::move(second), make(Fragment::just_0));
    }

    NodePtr several(Fragment fragment, int count, int depth) {
        std::vector<NodePtr> subs;
        for (int i = 0; i < count; ++i) {
            if (i > 0 && !take(",")) return nullptr;
            subs.push_back(expression(depth));
            if (!subs.back()) return nullptr;
        }
        return take(")") ? make(fragment, std::move(subs)) : nullptr;
    }

    NodePtr threshold(int depth) {
        const auto required = take_number(",");
        if (!required) return nullptr;
        std::vector<NodePtr> subs;
        while (take(",")) {
            subs.push_back(expression(depth));
            if (!subs.back()) return nullptr;
        }
        if (!take(")") || subs.empty() || *required > subs.size()) return nullptr;
        return make(Fragment::thresh, std::move(subs), *required);
    }

    NodePtr key(Fragment fragment) {
        const auto number = read_key();
        if (!number || !take(")")) return nullptr;
        return make(fragment, {}, 0, {*number});
    }

    NodePtr hash(Fragment fragment, std::size_t size) {
        const std::string_view digits = take_until(")");
        auto bytes = is_hex(digits) ? from_hex(digits) : std::nullopt;
        if (!bytes || bytes->size() != size || !take(")")) return nullptr;
        return make(fragment, {}, 0, {}, std::move(*bytes));
    }

    NodePtr lock(Fragment fragment) {
        const auto number = take_number(")");
        return number && take(")") ? make(fragment, {}, *number) : nullptr;
    }

    NodePtr multi(Fragment fragment) {
        const bool tapscript = fragment == Fragment::multi_a;
        if (tapscript != (context_ == Context::tapscript)) return nullptr;
        const auto required = take_number(",");
        if (!required) return nullptr;
        std::vector<std::size_t> keys;
        while (take(",")) {
            const auto number = read_key();
            if (!number) return nullptr;
            keys.push_back(*number);
        }
        const std::size_t most = tapscript ? kMaxMultiAKeys : static_cast<std::size_t>(kMaxPubkeysPerMultisig);
        if (!take(")") || keys.empty() || keys.size() > most || *required > keys.size()) return nullptr;
        return make(fragment, {}, *required, std::move(keys));
    }

    std::string_view text_;
    Context context_;
    const ReadKey& read_key_;
};

// ---------------------------------------------------------------------------------------------- scripts

/// Writes the script of an expression; `verify`: its last opcode has to be the verifying form, or be followed by one.
class ScriptMaker {
public:
    explicit ScriptMaker(std::span<const Bytes> keys) : keys_(keys) {}

    void write(const Node& node, bool verify) {
        const auto sub = [&](std::size_t i, bool verifies = false) { write(*node.subs[i], verifies); };
        switch (node.fragment) {
            case Fragment::just_0: out_.op(Opcode::op_0); return;
            case Fragment::just_1: out_.op(Opcode::op_1); return;
            case Fragment::pk_k: out_.push(keys_[node.keys[0]]); return;
            case Fragment::pk_h:
                out_.op(Opcode::op_dup).op(Opcode::op_hash160).push(hash160(keys_[node.keys[0]])).op(Opcode::op_equalverify);
                return;
            case Fragment::older: out_.number(node.number).op(Opcode::op_checksequenceverify); return;
            case Fragment::after: out_.number(node.number).op(Opcode::op_checklocktimeverify); return;
            case Fragment::sha256: return write_hash(node, Opcode::op_sha256, verify);
            case Fragment::hash256: return write_hash(node, Opcode::op_hash256, verify);
            case Fragment::ripemd160: return write_hash(node, Opcode::op_ripemd160, verify);
            case Fragment::hash160: return write_hash(node, Opcode::op_hash160, verify);
            case Fragment::multi: return write_multi(node, verify);
            case Fragment::multi_a: return write_multi_a(node, verify);
            case Fragment::wrap_a:
                out_.op(Opcode::op_toaltstack);
                sub(0);
                out_.op(Opcode::op_fromaltstack);
                return;
            case Fragment::wrap_s:
                out_.op(Opcode::op_swap);
                return sub(0, verify);
            case Fragment::wrap_c:
                sub(0);
                return end(Opcode::op_checksig, Opcode::op_checksigverify, verify);
            case Fragment::wrap_d:
                out_.op(Opcode::op_dup).op(Opcode::op_if);
                sub(0);
                out_.op(Opcode::op_endif);
                return;
            case Fragment::wrap_v:
                sub(0, true);
                if (node.subs[0]->type.has("x")) out_.op(Opcode::op_verify);
                return;
            case Fragment::wrap_j:
                out_.op(Opcode::op_size).op(Opcode::op_0notequal).op(Opcode::op_if);
                sub(0);
                out_.op(Opcode::op_endif);
                return;
            case Fragment::wrap_n:
                sub(0);
                out_.op(Opcode::op_0notequal);
                return;
            default: return write_combination(node, verify);
        }
    }

    Bytes take() { return out_.take(); }

private:
    void end(Opcode plain, Opcode verifying, bool verify) { out_.op(verify ? verifying : plain); }

    void write_hash(const Node& node, Opcode opcode, bool verify) {
        out_.op(Opcode::op_size).number(32).op(Opcode::op_equalverify).op(opcode).push(node.hash);
        end(Opcode::op_equal, Opcode::op_equalverify, verify);
    }
    void write_multi(const Node& node, bool verify) {
        out_.number(node.number);
        for (const std::size_t key : node.keys) out_.push(keys_[key]);
        out_.number(static_cast<std::int64_t>(node.keys.size()));
        end(Opcode::op_checkmultisig, Opcode::op_checkmultisigverify, verify);
    }
    void write_multi_a(const Node& node, bool verify) {
        for (std::size_t i = 0; i < node.keys.size(); ++i)
            out_.push(keys_[node.keys[i]]).op(i == 0 ? Opcode::op_checksig : Opcode::op_checksigadd);
        out_.number(node.number);
        end(Opcode::op_numequal, Opcode::op_numequalverify, verify);
    }

    void write_combination(const Node& node, bool verify) {
        const auto sub = [&](std::size_t i, bool verifies = false) { write(*node.subs[i], verifies); };
        switch (node.fragment) {
            case Fragment::and_v:
                sub(0);
                return sub(1, verify);
            case Fragment::and_b:
                sub(0), sub(1);
                out_.op(Opcode::op_booland);
                return;
            case Fragment::or_b:
                sub(0), sub(1);
                out_.op(Opcode::op_boolor);
                return;
            case Fragment::or_c:
                sub(0);
                out_.op(Opcode::op_notif);
                sub(1);
                out_.op(Opcode::op_endif);
                return;
            case Fragment::or_d:
                sub(0);
                out_.op(Opcode::op_ifdup).op(Opcode::op_notif);
                sub(1);
                out_.op(Opcode::op_endif);
                return;
            case Fragment::or_i:
                out_.op(Opcode::op_if);
                sub(0);
                out_.op(Opcode::op_else);
                sub(1);
                out_.op(Opcode::op_endif);
                return;
            case Fragment::andor:
                sub(0);
                out_.op(Opcode::op_notif);
                sub(2);
                out_.op(Opcode::op_else);
                sub(1);
                out_.op(Opcode::op_endif);
                return;
            default: break;
        }
        for (std::size_t i = 0; i < node.subs.size(); ++i) {  // thresh
            sub(i);
            if (i > 0) out_.op(Opcode::op_add);
        }
        out_.number(node.number);
        end(Opcode::op_equal, Opcode::op_equalverify, verify);
    }

    std::span<const Bytes> keys_;
    ScriptBuilder out_;
};

}  // namespace

NodePtr parse(std::string_view text, Context context, const std::function<std::optional<std::size_t>(std::string_view)>& read_key) {
    if (text.size() > kMaxText) return nullptr;
    return Parser(text, context, read_key).parse();
}

Bytes make_script(const Node& node, std::span<const Bytes> keys) {
    ScriptMaker maker(keys);
    maker.write(node, false);
    return maker.take();
}

}  // namespace cairn::light::miniscript
