#include "node/policy_settings.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "net/io/log.hpp"

namespace cairn::node {
namespace {

constexpr std::int64_t kMostClusterCount = 64;
constexpr std::int64_t kPoolBytesPerClusterVbyte = 40;  // the least mempool that can hold a few clusters of the largest size
constexpr std::int64_t kBytesPerMegabyte = 1'000'000;
constexpr std::int64_t kMaxBlockWeight = 4'000'000;
constexpr std::int64_t kMinReservedWeight = 2'000;
constexpr std::int64_t kMost = std::int64_t{1} << 40;  // beyond what anyone means; products stay within 63 bits

using Status = Result<void, std::string>;

std::int64_t clamped(const Args& args, const char* name, std::int64_t fallback) {
    return std::clamp<std::int64_t>(args.get_int(name, fallback), -1, kMost);
}

Status read_fee_rate(const Args& args, const char* name, FeeRate& rate) {
    const auto text = args.get(name);
    if (!text) return {};
    const auto amount = parse_money(*text);
    if (!amount) return fail(fmt::format("Invalid amount for {}=<amount>: '{}'", name, *text));
    rate.per_kvb = *amount;
    return {};
}

Status read_fee_rates(const Args& args, MempoolOptions& options) {
    if (auto done = read_fee_rate(args, "-incrementalrelayfee", options.incremental_relay); !done) return done;
    if (auto done = read_fee_rate(args, "-minrelaytxfee", options.min_relay); !done) return done;
    if (!args.is_set("-minrelaytxfee") && options.incremental_relay > options.min_relay) {
        options.min_relay = options.incremental_relay;
        net::log::info("Increasing minrelaytxfee to {}.{:08} BTC/kvB to match incrementalrelayfee", options.min_relay.per_kvb / kCoin,
                       options.min_relay.per_kvb % kCoin);
    }
    return read_fee_rate(args, "-dustrelayfee", options.dust_relay);
}

Status read_limits(const Args& args, MempoolOptions& options) {
    const std::int64_t count = clamped(args, "-limitclustercount", options.cluster_count);
    if (count < 0 || count > kMostClusterCount) {
        return fail(fmt::format("limitclustercount must be less than or equal to {}", kMostClusterCount));
    }
    options.cluster_count = static_cast<unsigned>(std::max<std::int64_t>(count, 1));
    if (args.get_int("-limitclustersize")) {
        options.cluster_vbytes = std::max<std::int64_t>(clamped(args, "-limitclustersize", 0), 0) * 1'000;
    }
    constexpr std::int64_t kMostCount = 1 << 30;
    options.ancestor_count =
        static_cast<unsigned>(std::clamp<std::int64_t>(clamped(args, "-limitancestorcount", options.ancestor_count), 0, kMostCount));
    options.descendant_count =
        static_cast<unsigned>(std::clamp<std::int64_t>(clamped(args, "-limitdescendantcount", options.descendant_count), 0, kMostCount));
    return {};
}

/// After the cluster limits: a mempool of less than a few clusters would drop what it just took.
Status read_size(const Args& args, MempoolOptions& options) {
    if (args.get_int("-maxmempool")) options.max_bytes = clamped(args, "-maxmempool", 0) * kBytesPerMegabyte;
    const std::int64_t least = options.cluster_vbytes * kPoolBytesPerClusterVbyte;
    if (options.max_bytes < 0 || (options.max_bytes > 0 && options.max_bytes < least)) {
        return fail(fmt::format("-maxmempool must be at least {} MB", (least + kBytesPerMegabyte - 1) / kBytesPerMegabyte));
    }
    return {};
}

}  // namespace

std::optional<Amount> parse_money(std::string_view text) {
    constexpr std::string_view kSpace = " \f\n\r\t\v";
    constexpr std::size_t kMostWholeDigits = 10;
    const auto is_digit = [](char c) { return c >= '0' && c <= '9'; };
    const std::size_t first = text.find_first_not_of(kSpace);
    if (first == std::string_view::npos) return std::nullopt;
    text = text.substr(first, text.find_last_not_of(kSpace) - first + 1);

    Amount whole = 0, fraction = 0;
    std::size_t at = 0;
    for (; at < text.size() && is_digit(text[at]); ++at) {
        if (at == kMostWholeDigits) return std::nullopt;
        whole = whole * 10 + (text[at] - '0');
    }
    if (at < text.size() && text[at] == '.') {
        ++at;
        for (Amount unit = kCoin / 10; at < text.size() && is_digit(text[at]) && unit > 0; ++at, unit /= 10) fraction += unit * (text[at] - '0');
    }
    if (at != text.size()) return std::nullopt;
    const Amount amount = whole * kCoin + fraction;
    if (!money_range(amount)) return std::nullopt;
    return amount;
}

Result<MempoolOptions, std::string> make_mempool_options(const Args& args, const ChainParams& params) {
    MempoolOptions options;
    const std::int64_t usual_ratio = params.network == Network::regtest ? 1 : 0;
    options.check_ratio = static_cast<int>(std::clamp<std::int64_t>(args.get_int("-checkmempool", usual_ratio), 0, 1'000'000));
    options.expiry_seconds = std::max<std::int64_t>(clamped(args, "-mempoolexpiry", options.expiry_seconds / 3600), 0) * 3600;
    if (auto done = read_fee_rates(args, options); !done) return fail(done.error());
    options.permit_bare_multisig = args.get_bool("-permitbaremultisig", true);
    if (args.get_bool("-datacarrier", true)) {
        options.datacarrier_bytes = static_cast<unsigned>(args.get_int("-datacarriersize", *options.datacarrier_bytes));
    } else {
        options.datacarrier_bytes.reset();
    }
    options.require_standard = !args.get_bool("-acceptnonstdtxn", false);
    if (!options.require_standard && !params.is_test_chain()) {
        return fail(fmt::format("acceptnonstdtxn is not currently supported for {} chain", params.name()));
    }
    options.persist = args.get_bool("-persistmempool", true);
    options.persist_v1 = args.get_bool("-persistmempoolv1", false);
    options.bytes_per_sigop =
        static_cast<unsigned>(std::clamp<std::int64_t>(args.get_int("-bytespersigop", options.bytes_per_sigop), 0, 1 << 30));
    if (auto done = read_limits(args, options); !done) return fail(done.error());
    if (auto done = read_size(args, options); !done) return fail(done.error());
    return options;
}

Result<MiningOptions, std::string> make_mining_options(const Args& args) {
    MiningOptions options;
    if (auto done = read_fee_rate(args, "-blockmintxfee", options.block_min_fee_rate); !done) return fail(done.error());
    options.print_fee_rates = args.get_bool("-printpriority", false);
    if (const auto version = args.get_int("-blockversion")) options.block_version = static_cast<std::int32_t>(*version);
    const std::int64_t reserved = args.get_int("-blockreservedweight", options.block_reserved_weight);
    const std::int64_t most = args.get_int("-blockmaxweight", options.block_max_weight);
    if (reserved < kMinReservedWeight) {
        return fail(fmt::format("-blockreservedweight ({}) is lower than minimum safety value of ({})", reserved, kMinReservedWeight));
    }
    if (reserved > kMaxBlockWeight) {
        return fail(fmt::format("-blockreservedweight ({}) exceeds consensus maximum block weight ({})", reserved, kMaxBlockWeight));
    }
    if (most > kMaxBlockWeight) {
        return fail(fmt::format("-blockmaxweight ({}) exceeds consensus maximum block weight ({})", most, kMaxBlockWeight));
    }
    if (reserved > most) return fail(fmt::format("-blockreservedweight ({}) exceeds -blockmaxweight ({})", reserved, most));
    options.block_reserved_weight = reserved;
    options.block_max_weight = most;
    return options;
}

}  // namespace cairn::node
