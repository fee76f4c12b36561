#include <iostream>
#include <map>

#include <gtest/gtest.h>

#include "consensus/rules/params.hpp"
#include "light/descriptors/descriptor.hpp"
#include "tests/support/json.hpp"

/// Descriptors of Bitcoin Core's own tests, of BIP380 to 389 and of other wallets.
namespace cairn::light {
namespace {

const ChainParams& params(Network network = Network::mainnet) {
    static std::map<Network, ChainParamsPtr> all;
    ChainParamsPtr& found = all[network];
    if (!found) found = make_params(network);
    return *found;
}

Descriptor read(const std::string& text) {
    auto descriptor = parse_descriptor(text, params(), false);
    EXPECT_TRUE(descriptor.has_value()) << text << ": " << descriptor.error();
    return descriptor ? std::move(*descriptor) : *parse_descriptor("raw(51)", params(), false);
}

/// Without its checksum, and with one way of marking hardened steps.
std::string plain(std::string text) {
    text = text.substr(0, text.find('#'));
    for (char& c : text)
        if (c == '\'') c = 'h';
    return text;
}

bool has(const UniValue& entry, const char* flag) { return entry["flags"].get_str().find(flag) != std::string::npos; }

TEST(DescriptorVectors, HaveTheScriptsAndFormsOfBitcoinCore) {
    CAIRN_SKIP_WITHOUT_VECTORS();
    std::size_t cases = 0, scripts = 0;
    for (const auto& path : test::vector_files("descriptors", "core_descriptor_tests*.json")) {
        const UniValue file = test::load_json(path);
        for (const UniValue& entry : file["tests"]["Check"].getValues()) {
            const std::string prv = entry["prv"].get_str(), pub = entry["pub"].get_str();
            const Descriptor with_private = read(prv), with_public = read(pub);
            EXPECT_EQ(plain(with_private.to_string()), plain(pub)) << prv;
            EXPECT_EQ(plain(with_public.to_string()), plain(pub));
            EXPECT_EQ(plain(with_private.to_string(DescriptorForm::private_keys).value()), plain(prv));
            EXPECT_EQ(plain(with_private.to_string(DescriptorForm::normalized).value()), plain(entry["norm_pub"].get_str())) << prv;
            EXPECT_EQ(with_public.is_range(), has(entry, "RANGE")) << pub;
            EXPECT_EQ(with_private.has_all_private_keys(), !has(entry, "MISSING_PRIVKEYS")) << prv;
            EXPECT_FALSE(with_public.has_private_keys()) << pub;
            const auto& rows = entry["scripts"].getValues();
            for (std::size_t i = 0; i < rows.size(); ++i) {
                std::vector<Bytes> expected;
                for (const UniValue& script : rows[i].getValues()) expected.push_back(test::hex_of(script));
                const auto index = static_cast<std::uint32_t>(i);
                EXPECT_EQ(with_private.scripts(index), expected) << prv << " at " << i;
                ScriptKeys found;
                EXPECT_EQ(with_private.scripts(index, &found), expected) << prv << " at " << i;
                EXPECT_EQ(with_public.scripts(index), has(entry, "HARDENED") ? std::nullopt : std::optional(expected)) << pub << " at " << i;
                ++scripts;
            }
            ++cases;
        }
    }
    std::cout << "descriptors of Bitcoin Core: " << cases << " with " << scripts << " rows of scripts\n";
}

TEST(DescriptorVectors, AreRefusedForTheReasonsOfBitcoinCore) {
    CAIRN_SKIP_WITHOUT_VECTORS();
    std::size_t cases = 0;
    for (const auto& path : test::vector_files("descriptors", "core_descriptor_tests*.json")) {
        const UniValue file = test::load_json(path);
        for (const UniValue& entry : file["tests"]["CheckUnparsable"].getValues()) {
            // The reason is that of the public form; the private one only has to be refused.
            for (const std::size_t form : {0u, 1u}) {
                const std::string text = entry[form].get_str();
                if (text.empty()) continue;
                const auto descriptor = parse_descriptors(text, params(), false);
                ASSERT_FALSE(descriptor.has_value()) << text;
                if (form == 1) {
                    std::string reason = entry[2].get_str();  // as it stands in C++
                    std::erase(reason, '\\');
                    EXPECT_EQ(descriptor.error(), reason) << text;
                }
            }
            ++cases;
        }
    }
    std::cout << "refused descriptors of Bitcoin Core: " << cases << "\n";
}

/// The strings in quotation marks within the braces of an argument.
std::vector<std::string> quoted(const std::string& argument) {
    std::vector<std::string> found;
    for (std::size_t at = 0; (at = argument.find('"', at)) != std::string::npos;) {
        const std::size_t end = argument.find('"', at + 1);
        found.push_back(argument.substr(at + 1, end - at - 1));
        at = end + 1;
    }
    return found;
}

TEST(DescriptorVectors, SplitWhereKeysHaveSeveralPaths) {
    CAIRN_SKIP_WITHOUT_VECTORS();
    std::size_t cases = 0;
    for (const auto& path : test::vector_files("descriptors", "core_descriptor_tests*.json")) {
        const UniValue file = test::load_json(path);
        for (const UniValue& entry : file["tests"]["CheckMultipath"].getValues()) {
            for (const std::size_t form : {0u, 1u}) {
                const auto all = parse_descriptors(entry[form].get_str(), params(), false);
                ASSERT_TRUE(all.has_value()) << entry[form].get_str() << ": " << all.error();
                const auto expected = quoted(entry[form + 2].get_str());
                ASSERT_EQ(all->size(), expected.size()) << entry[form].get_str();
                for (std::size_t i = 0; i < expected.size(); ++i) {
                    const auto shown = (*all)[i].to_string(form == 0 ? DescriptorForm::private_keys : DescriptorForm::public_keys);
                    EXPECT_EQ(plain(shown.value()), plain(expected[i]));
                }
            }
            ++cases;
        }
    }
    std::cout << "descriptors with several paths: " << cases << "\n";
}

TEST(DescriptorVectors, GiveTheAddressesOfHardwareWallets) {
    CAIRN_SKIP_WITHOUT_VECTORS();
    std::size_t addresses = 0;
    for (const auto& path : test::vector_files("hd", "*trezor-addresses*.json")) {
        std::string text = test::read_text(path);
        text = text.substr(text.find("\n["));  // behind a line that tells the words
        UniValue file;
        ASSERT_TRUE(file.read(text)) << path;
        for (const UniValue& account : file.getValues()) {
            const auto exported = parse_exported_key(account["xpub"].get_str(), params());
            ASSERT_TRUE(exported.has_value()) << account["xpub"].get_str();
            const std::string xpub = exported->key.public_text(params()), type = account["pathType"].get_str();
            EXPECT_EQ(exported->kind, type == "legacy" ? AddressKind::p2pkh : type == "segwit" ? AddressKind::p2wpkh : AddressKind::p2sh_p2wpkh);
            for (const UniValue& entry : account["addresses"].getValues()) {
                const std::string steps = entry["path"].get_str();  // m/44'/0'/0'/1/2
                const std::string key = xpub + steps.substr(steps.rfind('/', steps.rfind('/') - 1));
                const std::string descriptor = type == "legacy" ? "pkh(" + key + ")" : type == "segwit" ? "wpkh(" + key + ")" : "sh(wpkh(" + key + "))";
                const auto scripts = read(descriptor).scripts();
                ASSERT_TRUE(scripts.has_value()) << descriptor;
                EXPECT_EQ(address_of(scripts->front(), params().addresses), entry["address"].get_str()) << descriptor;
                ++addresses;
            }
        }
    }
    std::cout << "addresses of hardware wallets: " << addresses << "\n";
}

TEST(DescriptorVectors, AreDescribedAsBitcoinCoreDescribesThem) {
    CAIRN_SKIP_WITHOUT_VECTORS();
    std::size_t valid = 0, invalid = 0;
    for (const auto& path : test::vector_files("descriptors", "bcoin_desc-valid*.json")) {
        const UniValue file = test::load_json(path);
        for (const std::string& kind : file.getKeys()) {
            for (const UniValue& entry : file[kind].getValues()) {
                const std::string input = entry["input"].get_str();
                auto descriptor = parse_descriptor(input, params(), false);
                if (!descriptor) descriptor = parse_descriptor(input, params(Network::regtest), false);
                ASSERT_TRUE(descriptor.has_value()) << input << ": " << descriptor.error();
                EXPECT_EQ(plain(descriptor->to_string()), plain(entry["descriptor"].get_str())) << input;
                EXPECT_EQ(descriptor->is_range(), entry["isrange"].get_bool()) << input;
                EXPECT_EQ(descriptor->is_solvable(), entry["issolvable"].get_bool()) << input;
                EXPECT_EQ(descriptor->has_private_keys(), entry["hasprivatekeys"].get_bool()) << input;
                EXPECT_EQ(descriptor_checksum(input.substr(0, input.find('#'))), entry["checksum"].get_str()) << input;
                ++valid;
            }
        }
    }
    for (const auto& path : test::vector_files("descriptors", "bcoin_desc-invalid*.json")) {
        const UniValue file = test::load_json(path);
        for (const UniValue& entry : file.getValues()) {
            const bool checksum = entry.exists("requirechecksum") && entry["requirechecksum"].get_bool();
            EXPECT_FALSE(parse_descriptor(entry["input"].get_str(), params(), checksum).has_value()) << entry["input"].get_str();
            ++invalid;
        }
    }
    for (const auto& path : test::vector_files("descriptors", "bcoin_desc-privatekeys*.json")) {
        const UniValue file = test::load_json(path);
        for (const UniValue& entry : file.getValues()) {
            if (!entry.exists("expected")) {  // what has no private key cannot show one
                const auto descriptor = parse_descriptor(entry["input"].get_str(), params(), false);
                EXPECT_FALSE(descriptor && descriptor->has_all_private_keys()) << entry["input"].get_str();
                ++invalid;
                continue;
            }
            const std::string shown = read(entry["input"].get_str()).to_string(DescriptorForm::private_keys).value();
            EXPECT_EQ(plain(shown), plain(entry["expected"].get_str()));
            ++valid;
        }
    }
    std::cout << "described: " << valid << " valid, " << invalid << " invalid\n";
}

TEST(DescriptorVectors, OfOtherWallets) {
    CAIRN_SKIP_WITHOUT_VECTORS();
    std::map<std::string, std::size_t> counts;
    for (const auto& path : test::vector_files("descriptors", "*_descriptors_from_rust*.tsv")) {
        for (const std::string& line : test::read_lines(path)) {
            std::vector<std::string> columns;
            for (std::size_t at = 0;;) {
                const std::size_t end = line.find('\t', at);
                columns.push_back(line.substr(at, end - at));
                if (end == std::string::npos) break;
                at = end + 1;
            }
            const std::string& kind = columns.at(1);
            if (kind != "STR" && kind != "MPLEN" && kind != "ADDR") continue;
            const auto all = parse_descriptors(columns[0], params(), false);
            ASSERT_TRUE(all.has_value()) << columns[0] << ": " << all.error();
            if (kind == "MPLEN") {
                EXPECT_EQ(std::to_string(all->size()), columns.at(2)) << line;
            } else if (kind == "ADDR") {
                const Network network = columns.at(4) == "mainnet" ? Network::mainnet : columns[4] == "testnet" ? Network::testnet3 : Network::regtest;
                const Descriptor& one = all->at(std::stoul(columns.at(2)));
                const auto scripts = one.scripts(static_cast<std::uint32_t>(std::stoul(columns.at(3))));
                ASSERT_TRUE(scripts.has_value()) << line;
                EXPECT_EQ(address_of(scripts->front(), params(network).addresses), columns.at(5)) << line;
            } else {
                const std::size_t mark = columns.at(2).find('#');
                EXPECT_EQ(descriptor_checksum(columns[2].substr(0, mark)), columns[2].substr(mark + 1)) << line;
            }
            ++counts[kind];
        }
    }
    for (const auto& [kind, count] : counts) std::cout << kind << ": " << count << "\n";
}

}  // namespace
}  // namespace cairn::light
