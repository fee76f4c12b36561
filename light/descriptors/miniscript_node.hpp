#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "consensus/base/bytes.hpp"

/// Expressions of BIP379, with everything that is known of them without keys.
namespace cairn::light::miniscript {

/// Where the script stands: a witness script, or a leaf of a taproot tree.
enum class Context { p2wsh, tapscript };

enum class Fragment {
    just_0,
    just_1,
    pk_k,
    pk_h,
    older,
    after,
    sha256,
    hash256,
    ripemd160,
    hash160,
    multi,
    multi_a,
    wrap_a,
    wrap_s,
    wrap_c,
    wrap_d,
    wrap_v,
    wrap_j,
    wrap_n,
    and_v,
    and_b,
    or_b,
    or_c,
    or_d,
    or_i,
    andor,
    thresh,
};

/// A set of the type properties of BIP379, one bit for each letter: B V K W z o n d u e f s m x, and g h i j k for time
/// locks (g: older in seconds, h: older in blocks, i: after in seconds, j: after in blocks, k: no conflicting mix).
class Type {
public:
    constexpr Type() = default;
    constexpr Type(const char* letters) {  // NOLINT: a word of letters is a type
        for (; *letters; ++letters) bits_ |= bit(*letters);
    }
    /// Has all properties of `other`?
    constexpr bool has(Type other) const { return (bits_ & other.bits_) == other.bits_; }
    constexpr Type when(bool condition) const { return condition ? *this : Type(); }
    constexpr bool empty() const { return bits_ == 0; }
    friend constexpr Type operator|(Type a, Type b) { return from(a.bits_ | b.bits_); }
    friend constexpr Type operator&(Type a, Type b) { return from(a.bits_ & b.bits_); }

private:
    static constexpr std::uint32_t bit(char letter) {
        return 1u << (letter >= 'a' ? letter - 'a'
                                    : 26 + (letter == 'B'   ? 0
                                            : letter == 'V' ? 1
                                            : letter == 'K' ? 2
                                                            : 3));
    }
    static constexpr Type from(std::uint32_t bits) {
        Type type;
        type.bits_ = bits;
        return type;
    }
    std::uint32_t bits_ = 0;
};

/// What satisfying or dissatisfying may cost at most; no value where it is impossible.
using Cost = std::optional<int>;
struct Costs {
    Cost satisfied, dissatisfied;
};
/// What running does to the stack: items that it takes away in the end, and the most that it ever holds above its end.
struct StackUse {
    int taken = 0, peak = 0;
};
struct StackUses {
    std::optional<StackUse> satisfied, dissatisfied;
};

struct Node;
using NodePtr = std::unique_ptr<Node>;

/// An expression with everything that is known of it from its parts. Keys are numbers that mean something to whoever made it.
struct Node {
    Context context = Context::p2wsh;
    Fragment fragment = Fragment::just_0;
    std::vector<NodePtr> subs;
    std::vector<std::size_t> keys;
    std::uint32_t number = 0;  ///< of older, after, multi, multi_a, thresh
    Bytes hash;

    Type type;                   ///< empty: the parts do not fit
    std::size_t script_size = 0;
    int opcodes = 0;             ///< that count towards the limit whichever way is taken
    Costs more_opcodes;          ///< that are counted only when executed
    Costs witness_bytes;         ///< items with their lengths
    StackUses stack;

    bool is_valid() const;
    /// Within the limits of opcodes and stack when satisfied.
    bool keeps_limits() const;
    /// Items of the largest satisfaction; nullopt when there is none.
    std::optional<int> witness_items() const;
    bool is_satisfiable() const { return stack.satisfied.has_value(); }
    /// No key twice, here and below.
    bool has_distinct_keys(std::span<const Bytes> keys) const;
};

/// Puts an expression together and works out type and costs. An empty type: the parts do not fit.
NodePtr make_node(Context context, Fragment fragment, std::vector<NodePtr> subs = {}, std::uint32_t number = 0,
                  std::vector<std::size_t> keys = {}, Bytes hash = {});

using KeyText = std::function<std::string(std::size_t key)>;
std::string to_string(const Node& node, const KeyText& key_text);

/// Reads an expression; null when it is none. `read_key` gives a key's number, nullopt to refuse it.
/// Limits: depth of 400 in each expression, scripts of the context's size.
NodePtr parse(std::string_view text, Context context, const std::function<std::optional<std::size_t>(std::string_view)>& read_key);

/// The script with these keys: 33 bytes each, or 32 in tapscript.
Bytes make_script(const Node& node, std::span<const Bytes> keys);

/// Correctly typed, not malleable, needing a signature, without repeated keys or mixed kinds of time locks, within the limits.
bool is_sane(const Node& node, std::span<const Bytes> keys);
/// Why an expression must not be used: Bitcoin Core's words behind the text of the part that is to blame. nullopt: it may.
/// `keys`: any bytes that are the same for the same key.
std::optional<std::string> fault_of(const Node& node, std::span<const Bytes> keys, const KeyText& key_text);

}  // namespace cairn::light::miniscript
