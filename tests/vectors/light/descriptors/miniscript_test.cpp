#include <iostream>
#include <map>
#include <sstream>

#include <gtest/gtest.h>

#include "consensus/base/hex.hpp"
#include "consensus/crypto/ecc.hpp"
#include "light/descriptors/miniscript_node.hpp"
#include "tests/support/vectors.hpp"

/// Expressions with their types, sizes and scripts, as other libraries know them.
namespace cairn::light::miniscript {
namespace {

/// Keys with names of one or a few letters; a number for each.
class Names {
public:
    std::optional<std::size_t> number(std::string_view name) {
        if (name.empty()) return std::nullopt;
        for (const char c : name)
            if (!std::isalnum(static_cast<unsigned char>(c)) && c != '_') return std::nullopt;
        const auto [found, is_new] = numbers_.emplace(std::string(name), names_.size());
        if (is_new) names_.emplace_back(name);
        return found->second;
    }
    std::vector<Bytes> as_keys() const {
        std::vector<Bytes> keys;
        for (const std::string& name : names_) keys.emplace_back(name.begin(), name.end());
        return keys;
    }
    /// A is the key of the secret 1, B of 2 and so on.
    std::vector<Bytes> xonly_keys() const {
        std::vector<Bytes> keys;
        for (const std::string& name : names_) {
            Bytes secret(32, 0);
            secret[31] = static_cast<std::uint8_t>(name[0] - 'A' + 1);
            keys.push_back(to_bytes(PrivateKey::parse(secret)->public_key().xonly().span()));
        }
        return keys;
    }

private:
    std::map<std::string, std::size_t> numbers_;
    std::vector<std::string> names_;
};

NodePtr read(const std::string& text, Context context, Names& names) {
    return parse(text, context, [&](std::string_view name) { return names.number(name); });
}

std::vector<std::string> split(const std::string& line, char separator) {
    std::vector<std::string> parts;
    std::istringstream stream(line);
    for (std::string part; std::getline(stream, part, separator);) parts.push_back(part);
    return parts;
}

TEST(MiniscriptVectors, HaveTheTypesThatTheyShould) {
    CAIRN_SKIP_WITHOUT_VECTORS();
    for (const char* pattern : {"valid_*.txt", "conflict_*.txt", "opcodes*.txt"}) {
        for (const auto& path : test::vector_files("descriptors/miniscript", pattern)) {
            std::size_t cases = 0;
            for (const std::string& line : test::read_lines(path)) {
                const auto parts = split(line, ' ');
                Names names;
                const NodePtr node = read(parts[0], Context::p2wsh, names);
                ASSERT_TRUE(node) << line;
                ASSERT_FALSE(node->type.empty()) << line;
                // These lists come from a time when dissatisfying a hash did not count as something that anybody can do.
                const bool old_rule = path.filename().string().starts_with("valid_8f1e8") || parts.size() > 2;
                for (const char letter : std::string(old_rule ? "BVKWzondusfm" : "BVKWzonduesfm")) {
                    const char word[] = {letter, 0};
                    EXPECT_EQ(node->type.has(word), parts[1].find(letter) != std::string::npos) << line << ": " << letter;
                }
                if (parts.size() > 2 && node->more_opcodes.satisfied && node->type.has("m")) {
                    EXPECT_EQ(std::to_string(node->opcodes + *node->more_opcodes.satisfied), parts[2]) << line;
                }
                // What is written is read as the same.
                const std::string text = to_string(*node, [&](std::size_t key) {
                    const Bytes name = names.as_keys()[key];
                    return std::string(name.begin(), name.end());
                });
                Names again;
                const NodePtr copy = read(text, Context::p2wsh, again);
                ASSERT_TRUE(copy) << text;
                EXPECT_EQ(make_script(*copy, again.as_keys()), make_script(*node, names.as_keys())) << line;
                ++cases;
            }
            std::cout << path.filename().string() << ": " << cases << " expressions\n";
        }
    }
}

TEST(MiniscriptVectors, AreRefusedWhereTheirTypesDoNotFit) {
    CAIRN_SKIP_WITHOUT_VECTORS();
    for (const auto& path : test::vector_files("descriptors/miniscript", "invalid_*.txt")) {
        std::size_t cases = 0;
        for (const std::string& line : test::read_lines(path)) {
            Names names;
            const NodePtr node = read(split(line, ' ')[0], Context::p2wsh, names);
            EXPECT_TRUE(!node || node->type.empty() || !node->type.has("B")) << line;
            ++cases;
        }
        std::cout << path.filename().string() << ": " << cases << " expressions\n";
    }
}

TEST(MiniscriptVectors, HaveTheScriptsOfTapscript) {
    CAIRN_SKIP_WITHOUT_VECTORS();
    for (const auto& path : test::vector_files("descriptors/miniscript", "scripts_*_tap.tsv")) {
        std::size_t cases = 0;
        for (const std::string& line : test::read_lines(path)) {
            const auto parts = split(line, '\t');
            Names names;
            const NodePtr node = read(parts[0], Context::tapscript, names);
            if (parts[1] == "ERR") {
                EXPECT_TRUE(!node || node->type.empty()) << line;
                continue;
            }
            ASSERT_TRUE(node) << line;
            const Bytes script = make_script(*node, names.xonly_keys());
            EXPECT_EQ(to_hex(script), parts[1]) << line;
            EXPECT_EQ(script.size(), node->script_size) << line;
            ++cases;
        }
        std::cout << path.filename().string() << ": " << cases << " scripts\n";
    }
}

std::string yes(bool value) { return value ? "true" : "false"; }

TEST(MiniscriptVectors, HaveTheSizesAndProperties) {
    CAIRN_SKIP_WITHOUT_VECTORS();
    for (const auto& path : test::vector_files("descriptors/miniscript", "props_*.tsv")) {
        const auto lines = test::read_lines(path);
        const auto columns = split(lines[0], '\t');
        std::size_t cases = 0;
        for (std::size_t i = 1; i < lines.size(); ++i) {
            const auto values = split(lines[i], '\t');
            Names names;
            const NodePtr node = read(values[0], Context::p2wsh, names);
            ASSERT_TRUE(node) << lines[i];
            std::map<std::string, std::string> found{
                {"script_size", std::to_string(node->script_size)},
                {"mixed_timelocks", yes(!node->type.has("k"))},
                {"non_malleable", yes(node->type.has("m"))},
                {"requires_sig", yes(node->type.has("s"))},
            };
            // Others also count ways that anybody could change.
            if (node->more_opcodes.satisfied && node->type.has("m")) found["op_count"] = std::to_string(node->opcodes + *node->more_opcodes.satisfied);
            for (std::size_t c = 1; c < columns.size(); ++c) {
                const auto value = found.find(columns[c]);
                if (value == found.end()) continue;
                EXPECT_EQ(value->second, values[c]) << lines[i] << ": " << columns[c];
            }
            ++cases;
        }
        std::cout << path.filename().string() << ": " << cases << " expressions\n";
    }
}

}  // namespace
}  // namespace cairn::light::miniscript
