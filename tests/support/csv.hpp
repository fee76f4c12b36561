#pragma once

#include <map>
#include <string>
#include <vector>

#include "tests/support/vectors.hpp"

namespace cairn::test {

/// Fields of a line, parted by commas; a field in double quotes may hold commas, "" stands for one quote.
inline std::vector<std::string> split_csv(const std::string& line) {
    std::vector<std::string> fields(1);
    bool quoted = false;
    for (std::size_t i = 0; i < line.size(); ++i) {
        const char c = line[i];
        if (c == '"') {
            if (quoted && i + 1 < line.size() && line[i + 1] == '"') {
                fields.back() += line[++i];
            } else {
                quoted = !quoted;
            }
        } else if (c == ',' && !quoted) {
            fields.emplace_back();
        } else if (c != '\r') {
            fields.back() += c;
        }
    }
    return fields;
}

/// Rows of a file whose first line names its columns.
inline std::vector<std::map<std::string, std::string>> read_csv(const std::filesystem::path& path) {
    const auto lines = read_lines(path);
    std::vector<std::map<std::string, std::string>> rows;
    if (lines.empty()) return rows;
    const auto names = split_csv(lines[0]);
    for (std::size_t i = 1; i < lines.size(); ++i) {
        const auto fields = split_csv(lines[i]);
        auto& row = rows.emplace_back();
        for (std::size_t column = 0; column < names.size(); ++column) {
            row[names[column]] = column < fields.size() ? fields[column] : std::string();
        }
    }
    return rows;
}

}  // namespace cairn::test
