#include "light/descriptors/miniscript_node.hpp"

#include <algorithm>

#include "consensus/base/hex.hpp"
#include "consensus/script/script.hpp"

namespace cairn::light::miniscript {
namespace {

constexpr std::uint32_t kSequenceTypeFlag = 1u << 22;
constexpr Type kTimeLocks = "ghij";

bool locks_conflict(Type x, Type y) {
    return (x.has("g") && y.has("h")) || (x.has("h") && y.has("g")) || (x.has("i") && y.has("j")) ||
           (x.has("j") && y.has("i"));
}

Type wrapper_type(Fragment fragment, Type x) {
    const Type locks = x & Type("ghijk");
    switch (fragment) {
        case Fragment::wrap_a: return Type("W").when(x.has("B")) | locks | (x & "udfems") | "x";
        case Fragment::wrap_s: return Type("W").when(x.has("Bo")) | locks | (x & "udfemsx");
        case Fragment::wrap_c: return Type("B").when(x.has("K")) | locks | (x & "ondfem") | "us";
        case Fragment::wrap_d:
            return Type("B").when(x.has("Vz")) | Type("o").when(x.has("z")) | Type("e").when(x.has("f")) | locks |
                   (x & "ms") | "ndx";
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
        case Fragment::older: return Type(number & kSequenceTypeFlag ? "g" : "h") | "Bzfmxk";
        case Fragment::after: return Type(number >= kLockTimeThreshold ? "i" : "j") | "Bzfmxk";
        case Fragment::multi: return "Bnudemsk";
        default: return "Bonudmk";
    }
}

Type type_of(const Node& node) {
    const auto sub = [&](std::size_t i) { return node.subs[i]->type; };
    if (node.fragment == Fragment::thresh) return thresh_type(node.subs, node.number);
    switch (node.subs.size()) {
        case 0: return leaf_type(node.fragment, node.number);
        case 1: return wrapper_type(node.fragment, sub(0));
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

/// Costs of a fragment from those of its parts; `branch` is what choosing a side of or_i takes.
Costs combine(const Node& node, Costs Node::*member, Costs leaf, Cost branch, Cost wrap_d_satisfied,
              Cost wrapped_dissatisfied) {
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
            case Fragment::wrap_d: return {plus(x.satisfied, wrap_d_satisfied), wrapped_dissatisfied};
            case Fragment::wrap_j: return {x.satisfied, wrapped_dissatisfied};
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
            return {plus(best(x.satisfied, y.satisfied), branch), plus(best(x.dissatisfied, y.dissatisfied), branch)};
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
        case Fragment::wrap_v: return node.subs[0]->type.has("x") ? 1 : 0;
        case Fragment::thresh: return static_cast<int>(node.subs.size());
        default: return 0;
    }
}

Costs leaf_opcodes(const Node& node) {
    const int keys = static_cast<int>(node.keys.size());
    switch (node.fragment) {
        case Fragment::just_0: return {std::nullopt, 0};
        case Fragment::pk_k: return {0, 0};
        case Fragment::multi: return {keys, keys};
        default: return {0, std::nullopt};
    }
}

Costs leaf_stack(const Node& node) {
    const int signatures = static_cast<int>(node.number) + 1;
    switch (node.fragment) {
        case Fragment::just_0: return {std::nullopt, 0};
        case Fragment::pk_k: return {1, 1};
        case Fragment::multi: return {signatures, signatures};
        case Fragment::just_1:
        case Fragment::older:
        case Fragment::after: return {0, std::nullopt};
        default: return {1, std::nullopt};
    }
}

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

/// The letter that stands for this node and the part that follows it; no part when the node is no wrapper.
std::pair<char, const Node*> as_wrapper(const Node& node) {
    if (node.fragment == Fragment::wrap_c && node.subs[0]->fragment == Fragment::pk_k) return {0, nullptr};
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
        case Fragment::older: return "older";
        case Fragment::after: return "after";
        case Fragment::sha256: return "sha256";
        case Fragment::hash256: return "hash256";
        case Fragment::ripemd160: return "ripemd160";
        case Fragment::hash160: return "hash160";
        case Fragment::multi: return "multi";
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

NodePtr make_node(Fragment fragment, std::vector<NodePtr> subs, std::uint32_t number, std::vector<Bytes> keys,
                  Bytes hash) {
    auto node = std::make_unique<Node>();
    node->fragment = fragment;
    node->subs = std::move(subs);
    node->number = number;
    node->keys = std::move(keys);
    node->hash = std::move(hash);
    node->type = type_of(*node);
    const bool usable = node->type.has("B") || node->type.has("V") || node->type.has("K") || node->type.has("W");
    if (!usable) node->type = {};
    node->opcodes = own_opcodes(*node);
    for (const NodePtr& sub : node->subs) node->opcodes += sub->opcodes;
    node->more_opcodes = combine(*node, &Node::more_opcodes, leaf_opcodes(*node), 0, 0, 0);
    node->stack = combine(*node, &Node::stack, leaf_stack(*node), 1, 1, 1);
    return node;
}

std::string to_string(const Node& node) {
    std::string letters;
    const Node* inner = &node;
    for (auto [letter, part] = as_wrapper(*inner); part; std::tie(letter, part) = as_wrapper(*inner)) {
        letters += letter;
        inner = part;
    }
    if (!letters.empty()) letters += ':';
    if (inner->fragment == Fragment::just_0) return letters + "0";
    if (inner->fragment == Fragment::just_1) return letters + "1";
    if (inner->fragment == Fragment::wrap_c) return letters + "pk(" + to_hex(inner->subs[0]->keys[0]) + ")";
    std::vector<std::string> arguments;
    switch (inner->fragment) {
        case Fragment::older:
        case Fragment::after:
        case Fragment::multi:
        case Fragment::thresh: arguments.push_back(std::to_string(inner->number)); break;
        default: break;
    }
    if (!inner->hash.empty()) arguments.push_back(to_hex(inner->hash));
    for (const Bytes& key : inner->keys) arguments.push_back(to_hex(key));
    const bool and_n = inner->fragment == Fragment::andor && inner->subs[2]->fragment == Fragment::just_0;
    for (std::size_t i = 0; i < inner->subs.size() - (and_n ? 1 : 0); ++i)
        arguments.push_back(to_string(*inner->subs[i]));
    std::string text = letters + (and_n ? "and_n" : name_of(inner->fragment)) + "(";
    for (std::size_t i = 0; i < arguments.size(); ++i) text += (i ? "," : "") + arguments[i];
    return text + ")";
}

}  // namespace cairn::light::miniscript
