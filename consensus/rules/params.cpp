#include "consensus/rules/params.hpp"

#include <algorithm>
#include <charconv>

#include "consensus/base/check.hpp"
#include "consensus/crypto/hash.hpp"
#include "consensus/base/hex.hpp"
#include "consensus/rules/detail/networks.hpp"

namespace cairn {
namespace {

struct Name {
    Network network;
    std::string_view text;
};
constexpr Name kNetworkNames[] = {
    {Network::mainnet, "main"},   {Network::testnet3, "test"},   {Network::testnet4, "testnet4"},
    {Network::signet, "signet"}, {Network::regtest, "regtest"},
};

struct BuriedName {
    BuriedDeployment deployment;
    std::string_view shown;
    std::string_view option;
};
constexpr BuriedName kBuriedNames[] = {
    {BuriedDeployment::bip34, "bip34", "bip34"}, {BuriedDeployment::bip65, "bip65", "cltv"},
    {BuriedDeployment::bip66, "bip66", "dersig"}, {BuriedDeployment::csv, "csv", "csv"},
    {BuriedDeployment::segwit, "segwit", "segwit"},
};

constexpr std::string_view kSignalledNames[kSignalledDeployments] = {"testdummy"};

Height& deployment_height(ChainParams& params, BuriedDeployment deployment) {
    switch (deployment) {
        case BuriedDeployment::bip34: return params.bip34_height;
        case BuriedDeployment::bip65: return params.bip65_height;
        case BuriedDeployment::bip66: return params.bip66_height;
        case BuriedDeployment::csv: return params.csv_height;
        case BuriedDeployment::segwit: break;
    }
    return params.segwit_height;
}

template <class Number>
std::optional<Number> parse_number(std::string_view text) {
    Number value{};
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
    return value;
}

std::vector<std::string> split(const std::string& text, char separator) {
    std::vector<std::string> parts(1);
    for (const char c : text) {
        if (c == separator) {
            parts.emplace_back();
        } else {
            parts.back().push_back(c);
        }
    }
    return parts;
}

}  // namespace

std::string_view to_string(Network network) { return kNetworkNames[static_cast<std::size_t>(network)].text; }

std::optional<Network> network_by_name(std::string_view name) {
    for (const Name& entry : kNetworkNames) {
        if (entry.text == name) return entry.network;
    }
    return std::nullopt;
}

std::string_view to_string(BuriedDeployment deployment) { return kBuriedNames[static_cast<std::size_t>(deployment)].shown; }

std::optional<BuriedDeployment> buried_deployment_by_option(std::string_view name) {
    for (const BuriedName& entry : kBuriedNames) {
        if (entry.option == name) return entry.deployment;
    }
    return std::nullopt;
}

std::string_view to_string(SignalledDeployment deployment) { return kSignalledNames[static_cast<std::size_t>(deployment)]; }

std::optional<SignalledDeployment> signalled_deployment_by_name(std::string_view name) {
    for (std::size_t i = 0; i < kSignalledDeployments; ++i) {
        if (kSignalledNames[i] == name) return static_cast<SignalledDeployment>(i);
    }
    return std::nullopt;
}

Height ChainParams::deployment_height(BuriedDeployment deployment) const {
    return cairn::deployment_height(const_cast<ChainParams&>(*this), deployment);
}

ChainParamsPtr make_params(Network network, const ChainOptions& options) {
    ChainParams params;
    switch (network) {
        case Network::mainnet: params = detail::mainnet_params(); break;
        case Network::testnet3: params = detail::testnet3_params(); break;
        case Network::testnet4: params = detail::testnet4_params(); break;
        case Network::signet: params = detail::signet_params(options); break;
        case Network::regtest: params = detail::regtest_params(options); break;
    }
    for (const auto& [deployment, height] : options.activation_heights) deployment_height(params, deployment) = height;
    for (const ChainOptions::VersionBits& change : options.version_bits) {
        Bip9Deployment& deployment = params.deployments[static_cast<std::size_t>(change.deployment)];
        deployment.start_time = change.start_time;
        deployment.timeout = change.timeout;
        deployment.min_activation_height = change.min_activation_height;
    }
    return std::make_shared<const ChainParams>(std::move(params));
}

std::optional<Network> network_by_magic(std::span<const std::uint8_t, 4> magic) {
    for (const Name& entry : kNetworkNames) {
        if (std::ranges::equal(make_params(entry.network)->magic, magic)) return entry.network;
    }
    return std::nullopt;
}

Result<void, std::string> add_activation_height(ChainOptions& options, const std::string& argument) {
    const std::size_t at = argument.find('@');
    if (at == std::string::npos) {
        return fail("Invalid format (" + argument + ") for -testactivationheight=name@height.");
    }
    const auto height = parse_number<Height>(std::string_view(argument).substr(at + 1));
    if (!height || *height < 0 || *height == std::numeric_limits<Height>::max()) {
        return fail("Invalid height value (" + argument + ") for -testactivationheight=name@height.");
    }
    const auto deployment = buried_deployment_by_option(std::string_view(argument).substr(0, at));
    if (!deployment) return fail("Invalid name (" + argument + ") for -testactivationheight=name@height.");
    options.activation_heights.emplace_back(*deployment, *height);
    return {};
}

Result<void, std::string> add_version_bits(ChainOptions& options, const std::string& argument) {
    const std::vector<std::string> parts = split(argument, ':');
    if (parts.size() < 3 || parts.size() > 4) {
        return fail(std::string("Version bits parameters malformed, expecting deployment:start:end[:min_activation_height]"));
    }
    const auto start = parse_number<std::int64_t>(parts[1]);
    if (!start) return fail("Invalid nStartTime (" + parts[1] + ")");
    const auto timeout = parse_number<std::int64_t>(parts[2]);
    if (!timeout) return fail("Invalid nTimeout (" + parts[2] + ")");
    std::optional<std::int64_t> min_height = 0;
    if (parts.size() == 4) min_height = parse_number<std::int64_t>(parts[3]);
    if (!min_height) return fail("Invalid min_activation_height (" + parts[3] + ")");
    const auto deployment = signalled_deployment_by_name(parts[0]);
    if (!deployment) return fail("Invalid deployment (" + parts[0] + ")");
    options.version_bits.push_back({*deployment, *start, *timeout, static_cast<Height>(*min_height)});
    return {};
}

}  // namespace cairn
