#include "light/client/header_chain.hpp"

#include "consensus/rules/difficulty.hpp"
#include "consensus/rules/header_rules.hpp"

namespace cairn::light {
namespace {

constexpr std::int64_t kDay_s = 24 * 60 * 60;
constexpr std::int64_t kDateSlack_s = 2 * kDay_s;

}  // namespace

void HeaderChain::set_now(std::int64_t now_us) {
    now_s_ = now_us / 1'000'000;
    if (initial_ && best_->chain_work >= minimum_work_ && std::int64_t{best_->header.time} > now_s_ - kDay_s) initial_ = false;
}

void HeaderChain::consider(const HeaderNode* node) {
    if (node->chain_work > best_->chain_work) best_ = node;
}

Result<const HeaderNode*, HeaderError> HeaderChain::accept_headers(std::span<const BlockHeader> headers) {
    const HeaderNode* last = nullptr;
    for (const BlockHeader& header : headers) {
        const BlockHash hash = header.hash();
        if (const HeaderNode* known = tree_.find(hash)) {
            last = known;
            continue;
        }
        const HeaderNode* parent = last && last->hash == header.previous ? last : tree_.find(header.previous);
        if (!parent) return fail(HeaderError::missing_parent);
        if (auto checked = rules::check_header(header, hash, *parent, now_s_, params_); !checked) return fail(checked.error());
        last = tree_.insert(header, hash, parent);
        new_.push_back(last);
        consider(last);
    }
    return last;
}

bool HeaderChain::restore(const BlockHeader& header) {
    const BlockHash hash = header.hash();
    const HeaderNode* newest = tree_.at(tree_.size() - 1);
    const HeaderNode* parent = newest->hash == header.previous ? newest : tree_.find(header.previous);
    if (!parent || !rules::check_proof_of_work(hash, header.bits, params_)) return false;
    consider(tree_.insert(header, hash, parent));
    return true;
}

Height HeaderChain::height_at(std::int64_t time_s) const {
    // The latest time so far never falls along a chain, so the first block that is late enough can be halved towards.
    const std::int64_t wanted = time_s - kDateSlack_s;
    Height low = 0, high = best_->height;
    while (low < high) {
        const Height middle = low + (high - low) / 2;
        if (std::int64_t{best_->ancestor(middle)->time_max} >= wanted)
            high = middle;
        else
            low = middle + 1;
    }
    return low;
}

}  // namespace cairn::light
