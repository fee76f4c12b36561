#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "consensus/base/result.hpp"
#include "light/descriptors/descriptor_key.hpp"
#include "light/descriptors/miniscript_node.hpp"

/// Output descriptors: BIP380 to 386, 389 (several paths), 379 (miniscript), 390 (musig) and raw, addr, rawtr, unused.
namespace cairn::light {

/// The eight characters that follow '#' (BIP380); empty when `text` has characters that no descriptor has.
std::string descriptor_checksum(std::string_view text);

/// A parsed descriptor.
/// Thread: any (immutable).
class Descriptor {
public:
    enum class Kind { pk, pkh, wpkh, combo, multi, sh, wsh, tr, rawtr, addr, raw, miniscript, unused };
    using Form = DescriptorForm;

    /// Scripts of the outputs at `index`; several only for combo, none for unused. nullopt when a private key is needed that is not
    /// known. `found`: gets the keys with their origins, the private ones that are known, scripts and taproot trees.
    std::optional<std::vector<Bytes>> scripts(std::uint32_t index = 0, ScriptKeys* found = nullptr) const;
    /// Canonical form with its checksum, without private keys.
    std::string to_string() const { return *to_string(Form::public_keys); }
    /// nullopt: normalising needs a private key that is not known.
    std::optional<std::string> to_string(Form form) const;
    Kind kind() const { return kind_; }
    bool is_range() const;
    /// Is it known how to spend the output, but for the signatures?
    bool is_solvable() const { return kind_ != Kind::addr && kind_ != Kind::raw && kind_ != Kind::unused; }
    bool has_private_keys() const;
    /// Does it have all private keys that it speaks of?
    bool has_all_private_keys() const;
    /// Only one script for each index, so that it can be the source of addresses.
    bool is_single() const { return kind_ != Kind::combo; }
    /// The keys, those of the inner descriptors too, from left to right.
    std::vector<KeyExpression> keys() const;

private:
    friend class DescriptorParser;
    using Keys = std::vector<Bytes>;

    std::optional<Bytes> inner_script(std::uint32_t index, ScriptKeys* found) const;
    std::optional<Keys> public_keys(std::uint32_t index, ScriptKeys* found) const;
    Bytes multi_script(Keys keys) const;
    std::optional<Bytes> taproot_script(std::uint32_t index, ScriptKeys* found) const;
    std::optional<std::string> text(Form form) const;
    std::optional<std::string> tree_text(Form form, std::size_t& leaf, int depth) const;

    Kind kind_ = Kind::raw;
    const ChainParams* params_ = nullptr;
    std::vector<KeyExpression> keys_;
    int threshold_ = 0;
    bool sorted_ = false;
    bool tapscript_ = false;                                ///< within tr(): x-only keys, CHECKSIGADD
    std::vector<std::shared_ptr<const Descriptor>> inner_;  ///< of sh, wsh; the leaves of tr from left to right
    std::vector<int> depths_;                               ///< of the leaves of tr
    std::shared_ptr<const miniscript::Node> node_;          ///< of miniscript; its keys are numbers in keys_
    Bytes script_;                                          ///< of raw and addr
    std::string address_;                                   ///< of addr
};

/// Reads a descriptor: one, or as many as its keys have alternatives (BIP389). Errors: Bitcoin Core's words.
Result<std::vector<Descriptor>, std::string> parse_descriptors(std::string_view text, const ChainParams& params, bool require_checksum);
/// The same where only one is of use. Errors: also that there are several.
Result<Descriptor, std::string> parse_descriptor(std::string_view text, const ChainParams& params, bool require_checksum);

/// The most telling descriptor of an output script: pk and multi for bare keys, rawtr, addr, raw. `redeem`: the script
/// whose hash the output script holds (P2WSH), when it is known.
std::string infer_descriptor(ByteSpan script, const ChainParams& params, ByteSpan redeem = {});
/// The same with all that is known: keys behind hashes with their origins, redeem and witness scripts, taproot trees.
std::string infer_descriptor(ByteSpan script, const ChainParams& params, const ScriptKeys& known);

}  // namespace cairn::light
