#include "storage/rocks/detail/translate.hpp"

namespace cairn::storage::detail {

StorageError translate(const rocksdb::Status& status, const std::string& doing) {
    using Kind = StorageError::Kind;
    const std::string text = status.ToString();
    const auto says = [&](const char* words) { return text.find(words) != std::string::npos; };
    if (says("lock hold by current process") || (says("While lock file") && says("Resource temporarily unavailable"))) {
        return {Kind::locked, doing + " failed: another process uses it."};
    }
    if (status.IsNoSpace() || says("No space left on device") || says("Disk quota exceeded")) {
        return {Kind::no_space, doing + " failed: no space is left on the device."};
    }
    if (says("Permission denied") || says("Read-only file system")) {
        return {Kind::permission, doing + " failed: permission denied (" + text + ")."};
    }
    if (says("Column families not opened") || says("Unsupported compression") || says("unknown format version") ||
        says("Unknown Footer version") || status.IsNotSupported()) {
        return {Kind::newer_format, doing + " failed: it was written by a newer program (" + text + ")."};
    }
    // A named file that is gone, or a manifest that does not agree with the directory, is damage too.
    if (status.IsCorruption() || status.IsNotFound() || says("No such file or directory") || says("does not exist")) {
        return {Kind::corruption, doing + " failed: the database is damaged (" + text + ")."};
    }
    return {Kind::io, doing + " failed: " + text + "."};
}

}  // namespace cairn::storage::detail
