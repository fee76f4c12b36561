#include "storage/kv.hpp"

#include "consensus/base/check.hpp"

namespace cairn::storage {

const char* to_string(StorageError::Kind kind) {
    switch (kind) {
        case StorageError::Kind::io: return "input/output error";
        case StorageError::Kind::corruption: return "corruption";
        case StorageError::Kind::locked: return "in use by another process";
        case StorageError::Kind::newer_format: return "written by a newer version";
        case StorageError::Kind::foreign: return "belongs to another network";
        case StorageError::Kind::no_space: return "no space left";
        case StorageError::Kind::permission: return "permission denied";
        case StorageError::Kind::not_found: return "not found";
    }
    return "unknown";
}

void WriteBatch::add(Operation::Kind kind, Family family, ByteSpan key, ByteSpan value, bool borrow) {
    CAIRN_CHECK(static_cast<std::size_t>(family) < kFamilyCount);
    rows_.push_back({kind, family, static_cast<std::uint32_t>(key.size()), data_.size(), borrow ? value.data() : nullptr,
                     value.size()});
    data_.insert(data_.end(), key.begin(), key.end());
    if (!borrow) data_.insert(data_.end(), value.begin(), value.end());
    size_bytes_ += key.size() + value.size();
}

void WriteBatch::clear() {
    data_.clear();
    rows_.clear();
    size_bytes_ = 0;
}

WriteBatch::Operation WriteBatch::operation(std::size_t position) const {
    const Row& row = rows_[position];
    const std::uint8_t* key = data_.data() + row.offset;
    const std::uint8_t* value = row.borrowed ? row.borrowed : key + row.key_size;
    return {row.kind, row.family, {key, row.key_size}, {value, row.value_size}};
}

}  // namespace cairn::storage
