// Chains of headers "<network>_headers_<first>_<last>.bin" of 80 bytes each, checkpoints and difficulty tables of the
// folder "headers".
#include <gtest/gtest.h>

#include "consensus/rules/difficulty.hpp"
#include "tests/support/block_vectors.hpp"
#include "tests/support/csv.hpp"

namespace cairn {
namespace {

/// A chain of nodes that may begin at any height; ancestors are found only within it.
class NodeChain {
public:
    const HeaderNode& add(const BlockHeader& header, Height height) {
        HeaderNode& node = nodes_.emplace_back();
        node.header = header;
        node.hash = header.hash();
        node.height = height;
        if (nodes_.size() > 1) {
            node.parent = &nodes_[nodes_.size() - 2];
            // Jumps of one period make the look-up of a period's first block cheap.
            constexpr std::size_t kPeriod = 2016;
            node.skip = nodes_.size() > kPeriod ? &nodes_[nodes_.size() - 1 - kPeriod] : node.parent;
        }
        return node;
    }
    const HeaderNode& back() const { return nodes_.back(); }
    std::size_t size() const { return nodes_.size(); }
    const HeaderNode& operator[](std::size_t i) const { return nodes_[i]; }

private:
    std::deque<HeaderNode> nodes_;
};

struct HeaderFile {
    Network network;
    Height first;
    std::vector<BlockHeader> headers;
};

HeaderFile load_headers(const std::filesystem::path& path) {
    const std::string name = path.filename().string();
    HeaderFile file{*test::network_of_file(name), 0, {}};
    const std::size_t range = name.find("headers_") + 8;
    file.first = std::atoi(name.c_str() + range);
    const Bytes bytes = test::read_file(path);
    EXPECT_EQ(bytes.size() % BlockHeader::kSize, 0u) << path;
    Reader reader(bytes);
    while (reader.remaining() >= BlockHeader::kSize) file.headers.push_back(BlockHeader::read(reader));
    return file;
}

/// All rules that can be judged with the headers at hand: from genesis all, in the middle of a chain those whose past is there.
std::size_t validate(const HeaderFile& file, NodeChain& chain) {
    const ChainParams& params = *test::params_of(file.network);
    std::size_t retargets = 0;
    Height height = file.first;
    if (height == 1) chain.add(params.genesis->header(), 0);
    for (const BlockHeader& header : file.headers) {
        const BlockHash hash = header.hash();
        EXPECT_TRUE(rules::check_proof_of_work(hash, header.bits, params)) << height;
        if (height == 0) {
            EXPECT_EQ(hash, params.genesis_hash());
        } else if (chain.size() > 0) {
            EXPECT_EQ(header.previous, chain.back().hash) << height;
            const bool at_retarget = height % params.difficulty_interval() == 0;
            const bool complete = chain[0].height == 0 || chain.size() >= 2016 + 11;
            const bool testnet = params.allow_min_difficulty_blocks;
            if (complete || (!at_retarget && !testnet && chain.size() >= 11)) {
                const auto checked = rules::check_header(header, hash, chain.back(), header.time, params);
                EXPECT_TRUE(checked) << height << " " << to_string(checked.error());
                retargets += at_retarget ? 1 : 0;
            }
            EXPECT_TRUE(rules::permitted_difficulty_transition(params, height, chain.back().header.bits, header.bits)) << height;
        }
        chain.add(header, height++);
    }
    return retargets;
}

TEST(HeaderVectors, EveryChainObeysAllRules) {
    CAIRN_SKIP_WITHOUT_VECTORS();
    for (const auto& path : test::vector_files("headers", "*_headers_*.bin")) {
        SCOPED_TRACE(path.filename().string());
        const HeaderFile file = load_headers(path);
        NodeChain chain;
        const std::size_t retargets = validate(file, chain);
        std::printf("%s: %zu headers, %zu retargets\n", path.filename().c_str(), file.headers.size(), retargets);
    }
}

TEST(HeaderVectors, AChangedHeaderIsRefused) {
    CAIRN_SKIP_WITHOUT_VECTORS();
    std::size_t count = 0;
    for (const auto& path : test::vector_files("headers", "*_headers_*.bin")) {
        const HeaderFile file = load_headers(path);
        if (file.first > 1) continue;
        const ChainParams& params = *test::params_of(file.network);
        NodeChain chain;
        chain.add(params.genesis->header(), 0);
        for (const BlockHeader& header : file.headers) {
            if (header == params.genesis->header() || chain.size() > 3000) continue;
            const HeaderNode& parent = chain.back();
            const auto error_of = [&](const BlockHeader& changed, std::int64_t now) {
                const auto checked = rules::check_header_context(changed, changed.hash(), parent, now, params);
                return checked ? std::string("valid") : to_string(checked.error());
            };
            BlockHeader changed = header;
            changed.nonce ^= 1;
            EXPECT_EQ(rules::check_header(changed, changed.hash(), parent, header.time, params).error(), HeaderError::high_hash);
            changed = header;
            changed.bits ^= 1;
            EXPECT_EQ(error_of(changed, header.time), "bad-diffbits");
            if (!params.allow_min_difficulty_blocks) {
                changed = header;
                changed.time = static_cast<std::uint32_t>(parent.median_time_past());
                EXPECT_EQ(error_of(changed, header.time), "time-too-old");
            }
            EXPECT_EQ(error_of(header, std::int64_t{header.time} - 7201), "time-too-new");
            EXPECT_EQ(error_of(header, std::int64_t{header.time} - 7200), "valid");
            chain.add(header, parent.height + 1);
            count += 5;
        }
    }
    std::printf("%zu judgements\n", count);
}

Arith256 from_decimal(const std::string& text) {
    Arith256 value;
    for (const char digit : text) {
        value *= 10;
        value += Arith256(static_cast<std::uint64_t>(digit - '0'));
    }
    return value;
}

Arith256 from_hex_number(const std::string& text) { return Arith256(*Uint256::from_display_hex(text)); }

/// Headers at the starts of periods, with the work up to them.
struct Checkpoint {
    Height height;
    BlockHeader header;
    Arith256 work;
};

std::vector<Checkpoint> load_bitcoinj(const std::filesystem::path& path) {
    std::vector<Checkpoint> found;
    const UniValue file = test::load_json(path);
    const UniValue& rows = file["checkpoints"];
    for (std::size_t i = 0; i < rows.size(); ++i) {
        const Bytes raw = test::hex_of(rows[i]["header"]);
        Reader reader(raw);
        found.push_back({rows[i]["height"].get_int(), BlockHeader::read(reader), from_hex_number(rows[i]["chainwork"].get_str())});
        EXPECT_EQ(found.back().header.hash().to_display_hex(), rows[i]["hash"].get_str());
    }
    return found;
}

Network network_of_checkpoints(const std::filesystem::path& path) {
    const std::string name = path.filename().string();
    if (name.find("testnet4") != std::string::npos) return Network::testnet4;
    if (name.find("testnet") != std::string::npos) return Network::testnet3;
    return name.find("signet") != std::string::npos ? Network::signet : Network::mainnet;
}

TEST(HeaderVectors, CheckpointsAgreeOnWorkAndDifficulty) {
    CAIRN_SKIP_WITHOUT_VECTORS();
    for (const auto& path : test::vector_files("headers", "bitcoinj_checkpoints_*.json")) {
        SCOPED_TRACE(path.filename().string());
        const ChainParams& params = *test::params_of(network_of_checkpoints(path));
        const auto checkpoints = load_bitcoinj(path);
        std::size_t chained = 0;
        for (std::size_t i = 0; i < checkpoints.size(); ++i) {
            const auto& [height, header, work] = checkpoints[i];
            EXPECT_EQ(height % params.difficulty_interval(), 0);
            EXPECT_TRUE(rules::check_proof_of_work(header.hash(), header.bits, params)) << height;
            if (i == 0 || checkpoints[i - 1].height + params.difficulty_interval() != height) continue;
            const std::uint32_t old_bits = checkpoints[i - 1].header.bits;
            EXPECT_TRUE(rules::permitted_difficulty_transition(params, height, old_bits, header.bits)) << height;
            EXPECT_GT(work, checkpoints[i - 1].work);
            if (params.allow_min_difficulty_blocks) continue;
            // All blocks of a period have the bits of its first.
            const Arith256 period = block_work(old_bits) * 2015 + block_work(header.bits);
            EXPECT_EQ(work - checkpoints[i - 1].work, period) << height;
            ++chained;
        }
        std::printf("%s: %zu checkpoints, %zu sums of work\n", path.filename().c_str(), checkpoints.size(), chained);
    }
}

TEST(HeaderVectors, ElectrumsTargetsAreThoseOfTheHeaders) {
    CAIRN_SKIP_WITHOUT_VECTORS();
    std::map<Network, std::map<Height, std::uint32_t>> bits;
    for (const auto& path : test::vector_files("headers", "bitcoinj_checkpoints_*.json")) {
        for (const Checkpoint& point : load_bitcoinj(path)) bits[network_of_checkpoints(path)][point.height] = point.header.bits;
    }
    for (const auto& path : test::vector_files("headers", "electrum_checkpoints_*.json")) {
        SCOPED_TRACE(path.filename().string());
        const Network network = network_of_checkpoints(path);
        const UniValue file = test::load_json(path);
        std::size_t compared = 0;
        for (std::size_t i = 0; i < file.size(); ++i) {
            EXPECT_TRUE(BlockHash::from_display_hex(file[i][0].get_str())) << i;
            const auto known = bits[network].find(static_cast<Height>(i + 1) * 2016);  // the period that follows
            const Arith256 target = from_decimal(file[i][1].getValStr());
            if (known == bits[network].end() || target.is_zero()) continue;
            // On testnet the period's first block may be of minimum difficulty, which is no target of the period.
            if (test::params_of(network)->allow_min_difficulty_blocks) continue;
            EXPECT_EQ(decode_compact(known->second).target, target) << i;
            ++compared;
        }
        std::printf("%s: %zu entries, %zu compared\n", path.filename().c_str(), file.size(), compared);
    }
}

TEST(HeaderVectors, DifficultyHistoryIsThatOfTheHeaders) {
    CAIRN_SKIP_WITHOUT_VECTORS();
    std::map<Height, std::uint32_t> bits;
    for (const auto& path : test::vector_files("headers", "mainnet_headers_*.bin")) {
        const HeaderFile file = load_headers(path);
        for (std::size_t i = 0; i < file.headers.size(); ++i) bits[file.first + static_cast<Height>(i)] = file.headers[i].bits;
    }
    for (const auto& path : test::vector_files("headers", "*targethistory*.csv")) {
        std::size_t compared = 0;
        for (const std::string& line : test::read_lines(path)) {
            const auto fields = test::split_csv(line);
            const auto known = bits.find(std::atoi(fields.at(0).c_str()));
            if (known == bits.end()) continue;
            EXPECT_EQ(decode_compact(known->second).target, from_decimal(fields.at(1))) << line;
            ++compared;
        }
        std::printf("%s: %zu compared\n", path.filename().c_str(), compared);
    }
}

TEST(HeaderVectors, RetargetsAsCoreDoes) {
    CAIRN_SKIP_WITHOUT_VECTORS();
    std::size_t count = 0;
    for (const auto& path : test::vector_files("headers", "core_pow_cases*.json")) {
        const UniValue file = test::load_json(path);
        const UniValue& rows = file["rows"];
        for (std::size_t i = 0; i < rows.size(); ++i, ++count) {
            const UniValue& row = rows[i];
            const auto bits_of = [&row](const char* name) {
                return static_cast<std::uint32_t>(std::stoul(row[name].get_str(), nullptr, 16));
            };
            const ChainParams& params = *test::params_of(Network::mainnet);
            EXPECT_EQ(rules::retarget(bits_of("last_bits"), row["first_time"].get_int64(), row["last_time"].get_int64(), params),
                      bits_of("next_bits"))
                << row["name"].get_str();
            EXPECT_TRUE(rules::permitted_difficulty_transition(params, row["last_height"].get_int64() + 1, bits_of("last_bits"),
                                                               bits_of("next_bits")));
        }
    }
    std::printf("%zu retargets\n", count);
}

}  // namespace
}  // namespace cairn
