#pragma once

#include <cstring>
#include <vector>

#include "consensus/base/bytes.hpp"
#include "consensus/base/check.hpp"
#include "consensus/script/error.hpp"
#include "consensus/script/flags.hpp"
#include "consensus/script/signature_checker.hpp"

namespace cairn {

/// A value on the stack. Values never change: one that came from a script or witness points there (which must outlive
/// the stack); one that an opcode made is at most 32 bytes and lives inside. So no value costs an allocation.
class StackItem {
public:
    static constexpr std::size_t kLocalSize = 32;

    StackItem() = default;
    /// Points at `bytes`.
    static StackItem view(ByteSpan bytes) {
        StackItem item;
        item.external_ = bytes.data();
        item.size_ = static_cast<std::uint32_t>(bytes.size());
        return item;
    }
    /// Copies `bytes`, at most kLocalSize of them.
    static StackItem copy(ByteSpan bytes) {
        CAIRN_CHECK(bytes.size() <= kLocalSize);
        StackItem item;
        item.size_ = static_cast<std::uint32_t>(bytes.size());
        if (!bytes.empty()) std::memcpy(item.local_, bytes.data(), bytes.size());
        return item;
    }

    /// Valid while the item stays where it is.
    ByteSpan span() const { return {external_ != nullptr ? external_ : local_, size_}; }
    std::size_t size() const { return size_; }
    bool empty() const { return size_ == 0; }

private:
    const std::uint8_t* external_ = nullptr;
    std::uint32_t size_ = 0;
    std::uint8_t local_[kLocalSize] = {};
};

/// Bottom first.
using ScriptStack = std::vector<StackItem>;

/// False for zero of any length, negative zero included.
bool cast_to_bool(ByteSpan value);

/// Runs one script on `stack`. ok means that it ran to its end, not that it left a true value.
/// `version` is not taproot. `context` is used and updated by tapscript only.
/// Limits: as BIP16/141/342; memory is bounded by kMaxStackSize items.
/// Cost: at most 201 counted operations outside tapscript; signature checks bounded by the weight budget inside.
ScriptError eval_script(ScriptStack& stack, ByteSpan script, ScriptFlags flags, const SignatureChecker& checker,
                        SigVersion version, TaprootContext& context);

}  // namespace cairn
