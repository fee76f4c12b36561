#include "light/descriptors/miniscript_node.hpp"

#include <algorithm>
#include <set>

#include "consensus/base/codec.hpp"
#include "consensus/base/hex.hpp"
#include "consensus/script/script.hpp"
#include "consensus/script/taproot.hpp"

namespace cairn::light::miniscript {
namespace {

constexpr std::uint32_t kSequenceTypeFlag = 1u << 22;
constexpr int kMaxStackItems = 100;  // policy for P2WSH
constexpr Type kTimeLocks = "ghij";

bool locks_conflict(Type x, Type y) {
    return (x.has("g") && y.has("h")) || (x.has("h") && y.has("g")) || (x.has("i") && y.has("j")) ||
           (x.has("j") && y.has("i"));
}

Type wrapper_type(Context context, Fragment fragment, Type x) {
    const Type locks = x & Type("ghijk");
    switch (fragment) {
        case Fragment::wrap_a: return Type("W").when(x.has("B")) | locks | (x & "udfems") | "x";
        case Fragment::wrap_s: return Type("W").when(x.has("Bo")) | locks | (x & "udfemsx");
        case Fragment::wrap_c: return Type("B").when(x.has("K")) | locks | (x & "ondfem") | "us";
        case Fragment::wrap_d:
            return Type("B").when(x.has("Vz")) | Type("o").when(x.has("z")) | Type("e").when(x.has("f")) | locks |
                   (x & "ms") | Type("u").when(context == Context::tapscript) | "ndx";
        case Fragment::wrap_v: return Type("V").when(x.has("B")) | locks | (x & "zonms") | "fx";
        case Fragment::wrap_j:
            return Type("B").when(x.has("Bn")) | Type("e").when(x.has("f")) | locks | (x & "oums") | "ndx";
        default: return locks | (x & "Bzondfems") | "ux";
    }
}

Type pair_type(Fragment fragment, Type x, Type y) {
    const Type both = x & y, either = x | y;
    const Type locks = either & kTimeLocks;
    const Type one_of = (either & "o").when(either.has("z"));
    const Type no_conflict = Type("k").when(both.has("k") && !locks_conflict(x, y));
    switch (fragment) {
        case Fragment::and_v:
            return (y & "KVB").when(x.has("V")) | (x & "n") | (y & "n").when(x.has("z")) | one_of | (both & "dmz") |
                   (either & "s") | Type("f").when(y.has("f") || x.has("s")) | (y & "ux") | locks | no_conflict;
        case Fragment::and_b:
            return (x & "B").when(y.has("W")) | one_of | (x & "n") | (y & "n").when(x.has("z")) |
                   (both & "e").when(both.has("s")) | (both & "dzm") |
                   Type("f").when(both.has("f") || x.has("sf") || y.has("sf")) | (either & "s") | "ux" | locks |
                   no_conflict;
        case Fragment::or_b:
            return Type("B").when(x.has("Bd") && y.has("Wd")) | one_of |
                   (both & "m").when(either.has("s") && both.has("e")) | (both & "zse") | "dux" | locks | (both & "k");
        case Fragment::or_d:
            return (y & "B").when(x.has("Bdu")) | (x & "o").when(y.has("z")) |
                   (both & "m").when(x.has("e") && either.has("s")) | (both & "zs") | (y & "ufde") | "x" | locks |
                   (both & "k");
        case Fragment::or_c:
            return (y & "V").when(x.has("Bdu")) | (x & "o").when(y.has("z")) |
                   (both & "m").when(x.has("e") && either.has("s")) | (both & "zs") | "fx" | locks | (both & "k");
        default:  // or_i
            return (both & "VBKufs") | Type("o").when(both.has("z")) | (either & "e").when(either.has("f")) |
                   (both & "m").when(either.has("s")) | (either & "d") | "x" | locks | (both & "k");
    }
}

Type andor_type(Type x, Type y, Type z) {
    const Type all = x & y & z, any = x | y | z;
    const Type middle = x | (y & z);
    const bool decided = x.has("s") || y.has("f");
    return (y & z & "BKV").when(x.has("Bdu")) | (all & "z") | (middle & "o").when(middle.has("z")) | (y & z & "u") |
           (z & "f").when(decided) | (z & "d") | (z & "e").when(decided) |
           (all & "m").when(x.has("e") && any.has("s")) | (z & (x | y) & "s") | "x" | (any & kTimeLocks) |
           Type("k").when(all.has("k") && !locks_conflict(x, y));
}

Type thresh_type(const std::vector<NodePtr>& subs, std::uint32_t k) {
    bool all_e = true, all_m = true;
    std::size_t arguments = 0, signatures = 0;
    Type locks = "k";
    for (std::size_t i = 0; i < subs.size(); ++i) {
        const Type t = subs[i]->type;
        if (!t.has(i == 0 ? "Bdu" : "Wdu")) return {};
        all_e = all_e && t.has("e");
        all_m = all_m && t.has("m");
        signatures += t.has("s") ? 1 : 0;
        arguments += t.has("z") ? 0 : t.has("o") ? 1 : 2;
        const bool good = (locks & t).has("k") && (k <= 1 || !locks_conflict(locks, t));
        locks = ((locks | t) & kTimeLocks) | Type("k").when(good);
    }
    const std::size_t n = subs.size();
    return Type("Bdu") | Type("z").when(arguments == 0) | Type("o").when(arguments == 1) |
           Type("e").when(all_e && signatures == n) | Type("m").when(all_e && all_m && signatures >= n - k) |
           Type("s").when(signatures >= n - k + 1) | locks;
}

Type leaf_type(Fragment fragment, std::uint32_t number) {
    switch (fragment) {
        case Fragment::just_0: return "Bzudemsxk";
        case Fragment::just_1: return "Bzufmxk";
        case Fragment::pk_k: return "Konudemsxk";
        case Fragment::pk_h: return "Knudemsxk";
        case Fragment::older: return Type(number & kSequenceTypeFlag ? "g" : "h") | "Bzfmxk";
        case Fragment::after: return Type(number >= kLockTimeThreshold ? "i" : "j") | "Bzfmxk";
        case Fragment::multi: return "Bnudemsk";
        case Fragment::multi_a: return "Budemsk";
        default: return "Bonudmk";
    }
}

Type type_of(const Node& node) {
    const auto sub = [&](std::size_t i) { return node.subs[i]->type; };
    if (node.fragment == Fragment::thresh) return thresh_type(node.subs, node.number);
    switch (node.subs.size()) {
        case 0: return leaf_type(node.fragment, node.number);
        case 1: return wrapper_type(node.context, node.fragment, sub(0));
        case 2: return pair_type(node.fragment, sub(0), sub(1));
        default: return andor_type(sub(0), sub(1), sub(2));
    }
}

Cost plus(Cost a, Cost b) {
    return a && b ? Cost(*a + *b) : std::nullopt;
}
Cost best(Cost a, Cost b) {
    return a && b ? Cost(std::max(*a, *b)) : a ? a : b;
}

/// What choosing takes beside the costs of the parts.
struct ChoiceCosts {
    int first = 0, second = 0;         ///< sides of or_i
    int wrap_d = 0;                    ///< satisfying d:
    int not_wrapped = 0;               ///< dissatisfying d: or j:
};

/// Costs of a fragment from those of its parts.
Costs combine(const Node& node, Costs Node::*member, Costs leaf, ChoiceCosts choice) {
    const auto sub = [&](std::size_t i) -> const Costs& { return (*node.subs[i]).*member; };
    if (node.fragment == Fragment::thresh) {
        std::vector<Cost> ways{0};  // by the number of satisfied parts so far
        for (std::size_t i = 0; i < node.subs.size(); ++i) {
            std::vector<Cost> next{plus(ways[0], sub(i).dissatisfied)};
            for (std::size_t j = 1; j < ways.size(); ++j)
                next.push_back(best(plus(ways[j], sub(i).dissatisfied), plus(ways[j - 1], sub(i).satisfied)));
            next.push_back(plus(ways.back(), sub(i).satisfied));
            ways = std::move(next);
        }
        return {ways[node.number], ways[0]};
    }
    if (node.subs.empty()) return leaf;
    const Costs& x = sub(0);
    if (node.subs.size() == 1) {
        switch (node.fragment) {
            case Fragment::wrap_d: return {plus(x.satisfied, choice.wrap_d), choice.not_wrapped};
            case Fragment::wrap_j: return {x.satisfied, choice.not_wrapped};
            case Fragment::wrap_v: return {x.satisfied, std::nullopt};
            default: return x;
        }
    }
    const Costs& y = sub(1);
    const Cost neither = plus(x.dissatisfied, y.dissatisfied);
    const Cost second = best(x.satisfied, plus(x.dissatisfied, y.satisfied));
    switch (node.fragment) {
        case Fragment::and_v: return {plus(x.satisfied, y.satisfied), std::nullopt};
        case Fragment::and_b: return {plus(x.satisfied, y.satisfied), neither};
        case Fragment::or_b:
            return {best(plus(x.satisfied, y.dissatisfied), plus(x.dissatisfied, y.satisfied)), neither};
        case Fragment::or_c: return {second, std::nullopt};
        case Fragment::or_d: return {second, neither};
        case Fragment::or_i:
            return {best(plus(x.satisfied, choice.first), plus(y.satisfied, choice.second)),
                    best(plus(x.dissatisfied, choice.first), plus(y.dissatisfied, choice.second))};
        default: break;
    }
    const Costs& z = sub(2);
    return {best(plus(x.satisfied, y.satisfied), plus(x.dissatisfied, z.satisfied)),
            plus(x.dissatisfied, z.dissatisfied)};
}

int own_opcodes(const Node& node) {
    switch (node.fragment) {
        case Fragment::older:
        case Fragment::after:
        case Fragment::multi:
        case Fragment::wrap_s:
        case Fragment::wrap_c:
        case Fragment::wrap_n:
        case Fragment::and_b:
        case Fragment::or_b: return 1;
        case Fragment::wrap_a:
        case Fragment::or_c: return 2;
        case Fragment::wrap_d:
        case Fragment::or_d:
        case Fragment::or_i:
        case Fragment::andor: return 3;
        case Fragment::sha256:
        case Fragment::hash256:
        case Fragment::ripemd160:
        case Fragment::hash160:
        case Fragment::wrap_j: return 4;
        case Fragment::pk_h: return 3;
        case Fragment::multi_a: return static_cast<int>(node.keys.size()) + 1;
        case Fragment::wrap_v: return node.subs[0]->type.has("x") ? 1 : 0;
        case Fragment::thresh: return static_cast<int>(node.subs.size());
        default: return 0;
    }
}

Costs leaf_opcodes(const Node& node) {
    const int keys = static_cast<int>(node.keys.size());
    switch (node.fragment) {
        case Fragment::just_0: return {std::nullopt, 0};
        case Fragment::pk_k:
        case Fragment::pk_h:
        case Fragment::multi_a: return {0, 0};
        case Fragment::multi: return {keys, keys};
        default: return {0, std::nullopt};
    }
}

Costs leaf_witness(const Node& node) {
    const bool tapscript = node.context == Context::tapscript;
    const int signature = tapscript ? 1 + 65 : 1 + 72, key = tapscript ? 1 + 32 : 1 + 33;
    const int required = static_cast<int>(node.number), keys = static_cast<int>(node.keys.size());
    switch (node.fragment) {
        case Fragment::just_0: return {std::nullopt, 0};
        case Fragment::pk_k: return {signature, 1};
        case Fragment::pk_h: return {signature + key, 1 + key};
        case Fragment::multi: return {required * signature + 1, required + 1};
        case Fragment::multi_a: return {required * signature + keys - required, keys};
        case Fragment::just_1:
        case Fragment::older:
        case Fragment::after: return {0, std::nullopt};
        default: return {1 + 32, std::nullopt};
    }
}

// ---------------------------------------------------------------------------------------------- the stack

using MaybeUse = std::optional<StackUse>;

/// First `a`, then `b`.
MaybeUse then(MaybeUse a, MaybeUse b) {
    if (!a || !b) return std::nullopt;
    return StackUse{a->taken + b->taken, std::max(b->peak, b->taken + a->peak)};
}
template <class... Rest>
MaybeUse then(MaybeUse a, MaybeUse b, Rest... rest) {
    return then(then(a, b), rest...);
}
MaybeUse either(MaybeUse a, MaybeUse b) {
    if (!a || !b) return a ? a : b;
    return StackUse{std::max(a->taken, b->taken), std::max(a->peak, b->peak)};
}

constexpr StackUse kNothing{0, 0}, kPush{-1, 0}, kBinary{1, 1}, kTwo{2, 2};
constexpr StackUse kIf = kBinary, kEqual = kBinary, kCheckSig = kBinary, kVerify = kBinary, kDup = kPush, kSize = kPush, kEqualVerify = kTwo;

StackUses leaf_stack(const Node& node) {
    const int keys = static_cast<int>(node.keys.size()), required = static_cast<int>(node.number);
    const auto both = [](StackUse use) { return StackUses{use, use}; };
    switch (node.fragment) {
        case Fragment::just_0: return {std::nullopt, kPush};
        case Fragment::just_1:
        case Fragment::older:
        case Fragment::after: return {kPush, std::nullopt};
        case Fragment::pk_k: return both(kPush);
        case Fragment::pk_h: return both(*then(kDup, kPush, kEqualVerify));
        case Fragment::multi: return both({required, required + keys + 2});
        case Fragment::multi_a: return both({keys - 1, keys});
        default: return {then(kSize, kPush, kEqualVerify, kPush, kEqual), std::nullopt};
    }
}

StackUses thresh_stack(const Node& node) {
    std::vector<MaybeUse> ways{kNothing};  // by the number of satisfied parts so far
    for (std::size_t i = 0; i < node.subs.size(); ++i) {
        const StackUses& sub = node.subs[i]->stack;
        const MaybeUse add = i > 0 ? kBinary : kNothing;
        std::vector<MaybeUse> next{then(ways[0], sub.dissatisfied, add)};
        for (std::size_t j = 1; j < ways.size(); ++j)
            next.push_back(then(either(then(ways[j], sub.dissatisfied), then(ways[j - 1], sub.satisfied)), add));
        next.push_back(then(ways.back(), sub.satisfied, add));
        ways = std::move(next);
    }
    return {then(ways[node.number], kPush, kEqual), then(ways[0], kPush, kEqual)};
}

StackUses wrapper_stack(Fragment fragment, const StackUses& x) {
    switch (fragment) {
        case Fragment::wrap_c: return {then(x.satisfied, kCheckSig), then(x.dissatisfied, kCheckSig)};
        case Fragment::wrap_d: return {then(kDup, kIf, x.satisfied), then(kDup, kIf)};
        case Fragment::wrap_v: return {then(x.satisfied, kVerify), std::nullopt};
        case Fragment::wrap_j: return {then(kSize, kIf, x.satisfied), then(kSize, kIf)};
        default: return x;
    }
}

StackUses stack_of(const Node& node) {
    if (node.fragment == Fragment::thresh) return thresh_stack(node);
    if (node.subs.empty()) return leaf_stack(node);
    const StackUses& x = node.subs[0]->stack;
    if (node.subs.size() == 1) return wrapper_stack(node.fragment, x);
    const StackUses& y = node.subs[1]->stack;
    const MaybeUse neither = then(x.dissatisfied, y.dissatisfied);
    switch (node.fragment) {
        case Fragment::and_v: return {then(x.satisfied, y.satisfied), std::nullopt};
        case Fragment::and_b: return {then(x.satisfied, y.satisfied, kBinary), then(neither, kBinary)};
        case Fragment::or_b:
            return {then(either(then(x.satisfied, y.dissatisfied), then(x.dissatisfied, y.satisfied)), kBinary), then(neither, kBinary)};
        case Fragment::or_c: return {either(then(x.satisfied, kIf), then(x.dissatisfied, kIf, y.satisfied)), std::nullopt};
        case Fragment::or_d:
            return {either(then(x.satisfied, kDup, kIf), then(x.dissatisfied, kIf, y.satisfied)), then(x.dissatisfied, kIf, y.dissatisfied)};
        case Fragment::or_i:
            return {then(kIf, either(x.satisfied, y.satisfied)), then(kIf, either(x.dissatisfied, y.dissatisfied))};
        default: break;
    }
    const StackUses& z = node.subs[2]->stack;
    return {either(then(x.satisfied, kIf, y.satisfied), then(x.dissatisfied, kIf, z.satisfied)), then(x.dissatisfied, kIf, z.dissatisfied)};
}

std::size_t number_size(std::uint32_t number) { return ScriptBuilder().number(number).take().size(); }

std::size_t own_script_size(const Node& node) {
    const bool tapscript = node.context == Context::tapscript;
    const std::size_t keys = node.keys.size();
    switch (node.fragment) {
        case Fragment::just_0:
        case Fragment::just_1: return 1;
        case Fragment::pk_k: return tapscript ? 33 : 34;
        case Fragment::pk_h: return 24;
        case Fragment::older:
        case Fragment::after: return 1 + number_size(node.number);
        case Fragment::sha256:
        case Fragment::hash256: return 39;
        case Fragment::ripemd160:
        case Fragment::hash160: return 27;
        case Fragment::multi: return 1 + number_size(static_cast<std::uint32_t>(keys)) + number_size(node.number) + 34 * keys;
        case Fragment::multi_a: return 34 * keys + number_size(node.number) + 1;
        case Fragment::and_v: return 0;
        case Fragment::wrap_v: return node.subs[0]->type.has("x") ? 1 : 0;
        case Fragment::wrap_s:
        case Fragment::wrap_c:
        case Fragment::wrap_n:
        case Fragment::and_b:
        case Fragment::or_b: return 1;
        case Fragment::wrap_a:
        case Fragment::or_c: return 2;
        case Fragment::wrap_d:
        case Fragment::or_d:
        case Fragment::or_i:
        case Fragment::andor: return 3;
        case Fragment::wrap_j: return 4;
        case Fragment::thresh: return node.subs.size() + number_size(node.number);
    }
    return 0;
}

// ---------------------------------------------------------------------------------------------- text

char wrapper_letter(Fragment fragment) {
    switch (fragment) {
        case Fragment::wrap_a: return 'a';
        case Fragment::wrap_s: return 's';
        case Fragment::wrap_c: return 'c';
        case Fragment::wrap_d: return 'd';
        case Fragment::wrap_v: return 'v';
        case Fragment::wrap_j: return 'j';
        case Fragment::wrap_n: return 'n';
        default: return 0;
    }
}

/// pk() or pkh()?
bool is_key_check(const Node& node) {
    return node.fragment == Fragment::wrap_c && (node.subs[0]->fragment == Fragment::pk_k || node.subs[0]->fragment == Fragment::pk_h);
}

/// The letter that stands for this node and the part that follows it; no part when the node is no wrapper.
std::pair<char, const Node*> as_wrapper(const Node& node) {
    if (is_key_check(node)) return {0, nullptr};
    if (const char letter = wrapper_letter(node.fragment)) return {letter, node.subs[0].get()};
    if (node.fragment == Fragment::and_v && node.subs[1]->fragment == Fragment::just_1)
        return {'t', node.subs[0].get()};
    if (node.fragment == Fragment::or_i && node.subs[0]->fragment == Fragment::just_0) return {'l', node.subs[1].get()};
    if (node.fragment == Fragment::or_i && node.subs[1]->fragment == Fragment::just_0) return {'u', node.subs[0].get()};
    return {0, nullptr};
}

const char* name_of(Fragment fragment) {
    switch (fragment) {
        case Fragment::pk_k: return "pk_k";
        case Fragment::pk_h: return "pk_h";
        case Fragment::older: return "older";
        case Fragment::after: return "after";
        case Fragment::sha256: return "sha256";
        case Fragment::hash256: return "hash256";
        case Fragment::ripemd160: return "ripemd160";
        case Fragment::hash160: return "hash160";
        case Fragment::multi: return "multi";
        case Fragment::multi_a: return "multi_a";
        case Fragment::and_v: return "and_v";
        case Fragment::and_b: return "and_b";
        case Fragment::or_b: return "or_b";
        case Fragment::or_c: return "or_c";
        case Fragment::or_d: return "or_d";
        case Fragment::or_i: return "or_i";
        case Fragment::andor: return "andor";
        default: return "thresh";
    }
}

}  // namespace

namespace {

/// In P2WSH by policy; in tapscript what leaves room for the largest witness in the largest transaction that is relayed.
std::size_t max_script_size(Context context) {
    constexpr std::size_t kMaxWitnessScript = 3600, kMaxTransactionWeight = 400'000;
    constexpr std::size_t kOtherParts = (8 + 36 + 4 + 1 + 1 + 8 + 1 + 34) * 4 + 2;            // one input, one output
    constexpr std::size_t kLargestWitness = 3 + 66 * kMaxStackSize + 3 + kControlMaxSize;  // with its control block
    if (context == Context::p2wsh) return kMaxWitnessScript;
    constexpr std::size_t kRoom = kMaxTransactionWeight - kOtherParts - kLargestWitness;
    return kRoom - compact_size_length(kRoom);
}

}  // namespace

bool Node::is_valid() const { return !type.empty() && script_size <= max_script_size(context); }

std::optional<int> Node::witness_items() const {
    if (!stack.satisfied) return std::nullopt;
    return stack.satisfied->taken + (type.has("V") ? 0 : 1);
}

bool Node::keeps_limits() const {
    // What can never be satisfied meets every limit.
    if (context == Context::tapscript)
        return !stack.satisfied || stack.satisfied->peak + (type.has("V") ? 0 : 1) <= static_cast<int>(kMaxStackSize);
    return (!more_opcodes.satisfied || opcodes + *more_opcodes.satisfied <= kMaxOpsPerScript) && witness_items().value_or(0) <= kMaxStackItems;
}

namespace {

bool collect_keys(const Node& node, std::span<const Bytes> all, std::set<Bytes>& seen) {
    for (const std::size_t key : node.keys)
        if (!seen.insert(all[key]).second) return false;
    return std::ranges::all_of(node.subs, [&](const NodePtr& sub) { return collect_keys(*sub, all, seen); });
}

}  // namespace

bool Node::has_distinct_keys(std::span<const Bytes> all) const {
    std::set<Bytes> seen;
    return collect_keys(*this, all, seen);
}

NodePtr make_node(Context context, Fragment fragment, std::vector<NodePtr> subs, std::uint32_t number, std::vector<std::size_t> keys, Bytes hash) {
    auto node = std::make_unique<Node>();
    node->context = context;
    node->fragment = fragment;
    node->subs = std::move(subs);
    node->number = number;
    node->keys = std::move(keys);
    node->hash = std::move(hash);
    const bool typed = std::ranges::none_of(node->subs, [](const NodePtr& sub) { return sub->type.empty(); });
    if (typed) node->type = type_of(*node);
    const bool usable = node->type.has("B") || node->type.has("V") || node->type.has("K") || node->type.has("W");
    if (!usable) node->type = {};
    node->opcodes = own_opcodes(*node);
    node->script_size = own_script_size(*node);
    for (const NodePtr& sub : node->subs) {
        node->opcodes += sub->opcodes;
        node->script_size += sub->script_size;
    }
    node->more_opcodes = combine(*node, &Node::more_opcodes, leaf_opcodes(*node), {});
    node->witness_bytes = combine(*node, &Node::witness_bytes, leaf_witness(*node), {2, 1, 2, 1});
    node->stack = stack_of(*node);
    return node;
}

std::string to_string(const Node& node, const KeyText& key_text) {
    std::string letters;
    const Node* inner = &node;
    for (auto [letter, part] = as_wrapper(*inner); part; std::tie(letter, part) = as_wrapper(*inner)) {
        letters += letter;
        inner = part;
    }
    if (!letters.empty()) letters += ':';
    if (inner->fragment == Fragment::just_0) return letters + "0";
    if (inner->fragment == Fragment::just_1) return letters + "1";
    if (inner->fragment == Fragment::wrap_c) {
        const Node& key = *inner->subs[0];
        return letters + (key.fragment == Fragment::pk_k ? "pk(" : "pkh(") + key_text(key.keys[0]) + ")";
    }
    std::vector<std::string> arguments;
    switch (inner->fragment) {
        case Fragment::older:
        case Fragment::after:
        case Fragment::multi:
        case Fragment::multi_a:
        case Fragment::thresh: arguments.push_back(std::to_string(inner->number)); break;
        default: break;
    }
    if (!inner->hash.empty()) arguments.push_back(to_hex(inner->hash));
    for (const std::size_t key : inner->keys) arguments.push_back(key_text(key));
    const bool and_n = inner->fragment == Fragment::andor && inner->subs[2]->fragment == Fragment::just_0;
    for (std::size_t i = 0; i < inner->subs.size() - (and_n ? 1 : 0); ++i) arguments.push_back(to_string(*inner->subs[i], key_text));
    std::string text = letters + (and_n ? "and_n" : name_of(inner->fragment)) + "(";
    for (std::size_t i = 0; i < arguments.size(); ++i) text += (i ? "," : "") + arguments[i];
    return text + ")";
}

namespace {

/// The innermost part that must not be used, the first in reading order; null: none.
const Node* blamed(const Node& node, std::span<const Bytes> keys) {
    for (const NodePtr& sub : node.subs)
        if (const Node* found = blamed(*sub, keys)) return found;
    const bool sane = node.is_valid() && node.keeps_limits() && node.type.has("mk") && node.has_distinct_keys(keys);
    return sane ? nullptr : &node;
}

}  // namespace

bool is_sane(const Node& node, std::span<const Bytes> keys) {
    return node.is_valid() && node.keeps_limits() && node.type.has("Bmsk") && node.has_distinct_keys(keys);
}

std::optional<std::string> fault_of(const Node& node, std::span<const Bytes> keys, const KeyText& key_text) {
    const bool sane = is_sane(node, keys);
    if (sane && node.is_satisfiable()) return std::nullopt;
    const Node* found = blamed(node, keys);
    if (!found) found = &node;
    const std::string text = to_string(*found, key_text);
    if (!found->is_valid()) return text + " is invalid";
    if (sane) return text + " is not satisfiable";
    if (!found->type.has("m")) return text + " is not sane: malleable witnesses exist";
    if (found == &node && !found->type.has("s")) return text + " is not sane: witnesses without signature exist";
    if (!found->type.has("k")) return text + " is not sane: contains mixes of timelocks expressed in blocks and seconds";
    if (!found->has_distinct_keys(keys)) return text + " is not sane: contains duplicate public keys";
    if (!found->keeps_limits()) return text + " is not sane: needs witnesses that may exceed resource limits";
    return text + " is not sane";
}

}  // namespace cairn::light::miniscript
