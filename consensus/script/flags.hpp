#pragma once

#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace cairn {

/// One rule that script verification can be told to enforce. Every one is a soft fork: with more flags, fewer scripts
/// pass.
enum class ScriptFlag : std::uint8_t {
    p2sh,                                   ///< BIP16
    strictenc,                              ///< policy: defined hash types and key encodings
    dersig,                                 ///< BIP66
    low_s,                                  ///< policy: S at most half the order
    nulldummy,                              ///< BIP147
    sigpushonly,                            ///< policy: scriptSig only pushes
    minimaldata,                            ///< policy: shortest pushes and numbers
    discourage_upgradable_nops,             ///< policy
    cleanstack,                             ///< policy: one item remains; needs p2sh and witness
    checklocktimeverify,                    ///< BIP65
    checksequenceverify,                    ///< BIP112
    witness,                                ///< BIP141; needs p2sh
    discourage_upgradable_witness_program,  ///< policy
    minimalif,                              ///< policy for witness v0; always in tapscript
    nullfail,                               ///< policy: a failed signature must be empty
    witness_pubkeytype,                     ///< policy: compressed keys in witness v0
    const_scriptcode,                       ///< policy: no CODESEPARATOR or FindAndDelete outside the witness
    taproot,                                ///< BIP341, BIP342
    discourage_upgradable_taproot_version,  ///< policy
    discourage_op_success,                  ///< policy
    discourage_upgradable_pubkeytype,       ///< policy
};

inline constexpr int kScriptFlagCount = static_cast<int>(ScriptFlag::discourage_upgradable_pubkeytype) + 1;

/// A set of flags.
class ScriptFlags {
public:
    constexpr ScriptFlags() = default;
    constexpr ScriptFlags(ScriptFlag flag)
        : bits_(1u << static_cast<unsigned>(flag)) {}  // NOLINT: a flag is a set of one
    constexpr ScriptFlags(std::initializer_list<ScriptFlag> flags) {
        for (const ScriptFlag flag : flags) bits_ |= ScriptFlags(flag).bits_;
    }
    static constexpr ScriptFlags from_bits(std::uint32_t bits) {
        ScriptFlags flags;
        flags.bits_ = bits & ((1u << kScriptFlagCount) - 1);
        return flags;
    }
    static constexpr ScriptFlags all() { return from_bits(~0u); }

    constexpr bool has(ScriptFlag flag) const { return (bits_ & ScriptFlags(flag).bits_) != 0; }
    constexpr bool has_any(ScriptFlags flags) const { return (bits_ & flags.bits_) != 0; }
    constexpr bool contains(ScriptFlags flags) const { return (bits_ & flags.bits_) == flags.bits_; }
    constexpr bool empty() const { return bits_ == 0; }
    constexpr std::uint32_t bits() const { return bits_; }

    friend constexpr ScriptFlags operator|(ScriptFlags a, ScriptFlags b) { return from_bits(a.bits_ | b.bits_); }
    friend constexpr ScriptFlags operator&(ScriptFlags a, ScriptFlags b) { return from_bits(a.bits_ & b.bits_); }
    constexpr ScriptFlags operator~() const { return from_bits(~bits_); }
    constexpr ScriptFlags& operator|=(ScriptFlags other) { return *this = *this | other; }
    constexpr ScriptFlags& operator&=(ScriptFlags other) { return *this = *this & other; }
    constexpr bool operator==(const ScriptFlags&) const = default;

private:
    std::uint32_t bits_ = 0;
};

constexpr ScriptFlags operator|(ScriptFlag a, ScriptFlag b) {
    return ScriptFlags(a) | b;
}
constexpr ScriptFlags operator~(ScriptFlag flag) {
    return ~ScriptFlags(flag);
}

/// What a block at today's height must obey (every buried fork).
inline constexpr ScriptFlags kMandatoryScriptFlags{ScriptFlag::p2sh,
                                                   ScriptFlag::dersig,
                                                   ScriptFlag::nulldummy,
                                                   ScriptFlag::checklocktimeverify,
                                                   ScriptFlag::checksequenceverify,
                                                   ScriptFlag::witness,
                                                   ScriptFlag::taproot};

/// What a transaction must obey to be relayed.
inline constexpr ScriptFlags kStandardScriptFlags =
    kMandatoryScriptFlags | ScriptFlags{ScriptFlag::strictenc,
                                        ScriptFlag::minimaldata,
                                        ScriptFlag::discourage_upgradable_nops,
                                        ScriptFlag::cleanstack,
                                        ScriptFlag::minimalif,
                                        ScriptFlag::nullfail,
                                        ScriptFlag::low_s,
                                        ScriptFlag::discourage_upgradable_witness_program,
                                        ScriptFlag::witness_pubkeytype,
                                        ScriptFlag::const_scriptcode,
                                        ScriptFlag::discourage_upgradable_taproot_version,
                                        ScriptFlag::discourage_op_success,
                                        ScriptFlag::discourage_upgradable_pubkeytype};

/// True when flags that need others have them: cleanstack needs witness, witness needs p2sh. Verification needs this.
constexpr bool is_consistent(ScriptFlags flags) {
    return (!flags.has(ScriptFlag::cleanstack) || flags.has(ScriptFlag::witness)) &&
           (!flags.has(ScriptFlag::witness) || flags.has(ScriptFlag::p2sh));
}
/// The largest consistent subset.
ScriptFlags trim_flags(ScriptFlags flags);
/// The smallest consistent superset.
ScriptFlags fill_flags(ScriptFlags flags);

/// As in Bitcoin Core's vectors and in getdeploymentinfo: "P2SH", "WITNESS", …
std::string_view script_flag_name(ScriptFlag flag);
/// Names of the flags in a set, in alphabetical order.
std::vector<std::string_view> script_flag_names(ScriptFlags flags);
/// A comma-separated list of names; "" and "NONE" are the empty set. nullopt when a name is unknown.
std::optional<ScriptFlags> parse_script_flags(std::string_view list);

}  // namespace cairn
