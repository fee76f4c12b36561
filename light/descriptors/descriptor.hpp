#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "consensus/base/result.hpp"
#include "light/descriptors/descriptor_key.hpp"

/// Output descriptors as far as RPC without a wallet needs them: BIP380 to 386 and raw, addr, rawtr; no miniscript, no
/// musig, no multipath keys.
namespace cairn::light {

/// The eight characters that follow '#' (BIP380); empty when `text` has characters that no descriptor has.
std::string descriptor_checksum(std::string_view text);

/// A parsed descriptor.
/// Thread: any (immutable).
class Descriptor {
public:
    enum class Kind { pk, pkh, wpkh, combo, multi, sh, wsh, tr, rawtr, addr, raw };

    /// Scripts of the outputs at `index`; several only for combo. nullopt when a private key is needed that is not
    /// known.
    std::optional<std::vector<Bytes>> scripts(std::uint32_t index = 0) const;
    /// Canonical form with its checksum, without private keys.
    std::string to_string() const;
    bool is_range() const;
    /// Is it known how to spend the output, but for the signatures?
    bool is_solvable() const { return kind_ != Kind::addr && kind_ != Kind::raw; }
    bool has_private_keys() const;

private:
    friend class DescriptorParser;
    using Keys = std::vector<Bytes>;

    std::optional<Bytes> inner_script(std::uint32_t index) const;
    std::optional<Keys> public_keys(std::uint32_t index) const;
    std::optional<Bytes> multi_script(std::uint32_t index) const;
    std::optional<Bytes> taproot_script(std::uint32_t index) const;
    std::string text() const;
    std::string tree_text(std::size_t& leaf, int depth) const;

    Kind kind_ = Kind::raw;
    const ChainParams* params_ = nullptr;
    std::vector<KeyExpression> keys_;
    int threshold_ = 0;
    bool sorted_ = false;
    bool tapscript_ = false;                                ///< within tr(): x-only keys, CHECKSIGADD
    std::vector<std::shared_ptr<const Descriptor>> inner_;  ///< of sh, wsh; the leaves of tr from left to right
    std::vector<int> depths_;                               ///< of the leaves of tr
    Bytes script_;                                          ///< of raw and addr
    std::string address_;                                   ///< of addr
};

/// Reads a descriptor. Errors: Bitcoin Core's words.
Result<Descriptor, std::string> parse_descriptor(std::string_view text, const ChainParams& params,
                                                 bool require_checksum);

/// The most telling descriptor of an output script: pk and multi for bare keys, rawtr, addr, raw. `redeem`: the script
/// whose hash the output script holds (P2WSH), when it is known.
std::string infer_descriptor(ByteSpan script, const ChainParams& params, ByteSpan redeem = {});

}  // namespace cairn::light
