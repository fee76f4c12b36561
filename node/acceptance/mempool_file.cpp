#include "node/acceptance/mempool_file.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>

#include "consensus/base/codec.hpp"
#include "consensus/crypto/random.hpp"

namespace cairn::node {

namespace fs = std::filesystem;

namespace {

constexpr std::uint64_t kVersionPlain = 1, kVersionObfuscated = 2;
constexpr std::size_t kKeySize = 8;
constexpr std::size_t kChunk = 1 << 20;
constexpr std::size_t kLargestRecord = 32 << 20;

using Key = std::array<std::uint8_t, kKeySize>;

void obfuscate(MutableByteSpan bytes, const Key& key, std::uint64_t file_offset) {
    for (std::size_t i = 0; i < bytes.size(); ++i) bytes[i] ^= key[(file_offset + i) % kKeySize];
}

struct FileCloser {
    void operator()(std::FILE* file) const { std::fclose(file); }
};
using File = std::unique_ptr<std::FILE, FileCloser>;

/// Collects bytes and writes them out in chunks, obfuscated.
class Sink {
public:
    explicit Sink(std::FILE* file) : file_(file) {}
    Bytes& bytes() { return bytes_; }
    void set_key(const Key& key) { key_ = key; }
    std::uint64_t written() const { return offset_; }
    bool flush(bool all) {
        if (!all && bytes_.size() < kChunk) return true;
        obfuscate(bytes_, key_, offset_);
        offset_ += bytes_.size();
        const bool good = std::fwrite(bytes_.data(), 1, bytes_.size(), file_) == bytes_.size();
        bytes_.clear();
        return good;
    }

private:
    std::FILE* file_;
    Bytes bytes_;
    Key key_{};
    std::uint64_t offset_ = 0;
};

bool write_all(Sink& sink, const StoredMempool& mempool, bool version_1) {
    Writer writer(sink.bytes());
    writer.u64(version_1 ? kVersionPlain : kVersionObfuscated);
    if (!version_1) {
        Key key;
        fill_random(key);
        writer.var_bytes(key);
        if (!sink.flush(true)) return false;  // the head stays readable
        sink.set_key(key);
    }
    writer.u64(mempool.transactions.size());
    for (const StoredTransaction& stored : mempool.transactions) {
        writer.bytes(stored.tx->tx().raw);
        writer.i64(stored.time);
        writer.i64(stored.fee_delta);
        if (!sink.flush(false)) return false;
    }
    writer.compact_size(mempool.fee_deltas.size());
    for (const auto& [txid, delta] : mempool.fee_deltas) {
        writer.uint256(txid);
        writer.i64(delta);
    }
    writer.compact_size(mempool.unbroadcast.size());
    for (const Txid& txid : mempool.unbroadcast) writer.uint256(txid);
    return sink.flush(true);
}

std::string system_error(const fs::path& path) { return path.string() + ": " + std::strerror(errno); }

}  // namespace

Result<std::uint64_t, std::string> write_mempool_file(const fs::path& path, const StoredMempool& mempool, bool version_1) {
    fs::path beside = path;
    beside += ".new";
    File file(std::fopen(beside.c_str(), "wb"));
    if (!file) return fail("cannot write " + system_error(beside));
    Sink sink(file.get());
    const bool good = write_all(sink, mempool, version_1) && std::fflush(file.get()) == 0 && fsync(fileno(file.get())) == 0;
    if (!good) return fail("cannot write " + system_error(beside));
    if (std::fclose(file.release()) != 0) return fail("cannot close " + system_error(beside));
    std::error_code error;
    fs::rename(beside, path, error);
    if (error) return fail("cannot rename " + beside.string() + ": " + error.message());
    return sink.written();
}

// ---------------------------------------------------------------------------------------------- reading

struct MempoolFileReader::Parts {
    File file;
    Key key{};
    std::uint64_t offset = 0;  ///< in the file, of the end of `buffer`
    Bytes buffer;
    std::size_t position = 0;
    bool at_end = false;

    std::size_t remaining() const { return buffer.size() - position; }
    ByteSpan rest() const { return ByteSpan(buffer).subspan(position); }
    /// Reads up to `more` bytes behind what is left.
    void fill(std::size_t more) {
        buffer.erase(buffer.begin(), buffer.begin() + static_cast<std::ptrdiff_t>(position));
        position = 0;
        const std::size_t old = buffer.size();
        buffer.resize(old + more);
        const std::size_t got = std::fread(buffer.data() + old, 1, more, file.get());
        buffer.resize(old + got);
        obfuscate(MutableByteSpan(buffer).subspan(old), key, offset);
        offset += got;
        at_end = got < more;
    }
    /// `parse` reads one record off a Reader; it is tried again with more bytes until it succeeds or there are none.
    template <class Parse>
    bool record(Parse&& parse) {
        for (;;) {
            Reader reader(rest());
            parse(reader);
            if (reader.ok()) {
                position += reader.position();
                return true;
            }
            if (reader.error() != DecodeError::truncated || at_end || remaining() > kLargestRecord) return false;
            fill(std::max(kChunk, remaining()));
        }
    }
};

MempoolFileReader::MempoolFileReader(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}
MempoolFileReader::~MempoolFileReader() = default;

std::unique_ptr<MempoolFileReader> MempoolFileReader::open(const fs::path& path) {
    std::error_code error;
    if (fs::is_directory(path, error)) return nullptr;
    auto parts = std::make_unique<Parts>();
    parts->file.reset(std::fopen(path.c_str(), "rb"));
    if (!parts->file) return nullptr;
    return std::unique_ptr<MempoolFileReader>(new MempoolFileReader(std::move(parts)));
}

std::optional<std::uint64_t> MempoolFileReader::read_count() {
    Parts& p = *parts_;
    // Byte by byte up to the key: what follows must not be read before it is known.
    p.fill(sizeof(std::uint64_t));
    std::uint64_t version = 0, count = 0;
    if (!p.record([&](Reader& reader) { version = reader.u64(); })) return std::nullopt;
    if (version == kVersionObfuscated) {
        p.fill(1 + kKeySize);
        Key key{};
        bool sized = false;
        if (!p.record([&](Reader& reader) {
                const ByteSpan bytes = reader.var_bytes(kKeySize);
                sized = bytes.size() == kKeySize;
                if (sized) std::copy(bytes.begin(), bytes.end(), key.begin());
            }) || !sized)
            return std::nullopt;
        p.key = key;
    } else if (version != kVersionPlain) {
        return std::nullopt;
    }
    if (!p.record([&](Reader& reader) { count = reader.u64(); })) return std::nullopt;
    return count;
}

Result<StoredTransaction, std::string> MempoolFileReader::next() {
    StoredTransaction stored;
    Bytes raw;
    const bool good = parts_->record([&](Reader& reader) {
        Arena arena(1024);
        const std::size_t begin = reader.position();
        Transaction::read(reader, arena);
        if (!reader.ok()) return;
        const std::size_t end = reader.position();
        stored.time = reader.i64();
        stored.fee_delta = reader.i64();
        if (reader.ok()) raw = to_bytes(reader.data().subspan(begin, end - begin));
    });
    if (!good) return fail(std::string("AutoFile::read: end of file"));
    auto tx = TransactionHolder::parse(std::move(raw));
    if (!tx) return fail(std::string("not a transaction"));
    stored.tx = std::move(*tx);
    return stored;
}

Result<std::map<Txid, Amount>, std::string> MempoolFileReader::read_fee_deltas() {
    std::map<Txid, Amount> deltas;
    const bool good = parts_->record([&](Reader& reader) {
        deltas.clear();
        const std::uint64_t count = reader.compact_size();
        for (std::uint64_t i = 0; i < count && reader.ok(); ++i) {
            const Txid txid(reader.uint256());
            const Amount delta = reader.i64();
            if (reader.ok()) deltas[txid] = delta;
        }
    });
    if (!good) return fail(std::string("AutoFile::read: end of file"));
    return deltas;
}

Result<std::set<Txid>, std::string> MempoolFileReader::read_unbroadcast() {
    std::set<Txid> txids;
    const bool good = parts_->record([&](Reader& reader) {
        txids.clear();
        const std::uint64_t count = reader.compact_size();
        for (std::uint64_t i = 0; i < count && reader.ok(); ++i) {
            const Txid txid(reader.uint256());
            if (reader.ok()) txids.insert(txid);
        }
    });
    if (!good) return fail(std::string("AutoFile::read: end of file"));
    return txids;
}

}  // namespace cairn::node
