#include "tests/support/vectors.hpp"

#include <fnmatch.h>
#include <lzma.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <sstream>
#include <stdexcept>

namespace cairn::test {
namespace fs = std::filesystem;
namespace {

Bytes unpack_xz(const Bytes& packed, const fs::path& path) {
    lzma_stream stream = LZMA_STREAM_INIT;
    if (lzma_stream_decoder(&stream, UINT64_MAX, LZMA_CONCATENATED) != LZMA_OK) throw std::runtime_error("lzma");
    stream.next_in = packed.data();
    stream.avail_in = packed.size();
    Bytes out;
    lzma_ret status = LZMA_OK;
    while (status == LZMA_OK) {
        const std::size_t start = out.size();
        out.resize(start + std::max<std::size_t>(start, 65536));
        stream.next_out = out.data() + start;
        stream.avail_out = out.size() - start;
        status = lzma_code(&stream, LZMA_FINISH);
        out.resize(out.size() - stream.avail_out);
    }
    lzma_end(&stream);
    if (status != LZMA_STREAM_END) throw std::runtime_error("not an xz file: " + path.string());
    return out;
}

}  // namespace

std::optional<fs::path> vectors_root() {
    if (const char* given = std::getenv("CAIRN_VECTORS"); given && *given) {
        if (!fs::is_directory(given)) throw std::runtime_error(std::string("CAIRN_VECTORS is not a folder: ") + given);
        return fs::path(given);
    }
    const fs::path beside = fs::path(CAIRN_SOURCE_DIR) / ".." / "shared" / "vectors";
    if (fs::is_directory(beside)) return fs::canonical(beside);
    return std::nullopt;
}

std::vector<fs::path> vector_files(const std::string& folder, const std::string& pattern) {
    std::vector<fs::path> found;
    const auto root = vectors_root();
    if (!root || !fs::is_directory(*root / folder)) return found;
    for (const auto& entry : fs::recursive_directory_iterator(*root / folder)) {
        std::string name = entry.path().filename().string();
        if (name.ends_with(".xz")) name.resize(name.size() - 3);
        if (entry.is_regular_file() && fnmatch(pattern.c_str(), name.c_str(), 0) == 0) found.push_back(entry.path());
    }
    std::sort(found.begin(), found.end());
    return found;
}

Bytes read_file(const fs::path& path) {
    std::ifstream file(path, std::ios::binary);
    if (!file) throw std::runtime_error("cannot read " + path.string());
    Bytes content{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
    return path.extension() == ".xz" ? unpack_xz(content, path) : content;
}

std::string read_text(const fs::path& path) {
    const Bytes content = read_file(path);
    return std::string(as_text(content));
}

std::vector<std::string> read_lines(const fs::path& path) {
    std::istringstream text(read_text(path));
    std::vector<std::string> lines;
    for (std::string line; std::getline(text, line);) {
        if (line.ends_with('\r')) line.pop_back();
        if (!line.empty()) lines.push_back(line);
    }
    return lines;
}

}  // namespace cairn::test
