#pragma once

#include <filesystem>
#include <memory>

#include "storage/storage_error.hpp"

namespace cairn::storage {

/// Holds a directory for this process alone, through a lock on the file `.lock` in it; lets go when destroyed.
class DirectoryLock {
public:
    /// `program` is named in the message ("<program> is probably already running.").
    /// Errors: locked; permission when the file cannot be made.
    static Stored<DirectoryLock> acquire(const std::filesystem::path& directory, std::string_view program);

    DirectoryLock(DirectoryLock&& other) noexcept;
    DirectoryLock& operator=(DirectoryLock&& other) noexcept;
    ~DirectoryLock();

private:
    explicit DirectoryLock(int descriptor) : descriptor_(descriptor) {}
    int descriptor_ = -1;
};

/// Where things lie below a network's data directory.
struct DataDir {
    std::filesystem::path root;

    /// The database. It holds the blocks, and tools that copy or clear a data directory keep its folder `blocks`.
    std::filesystem::path ledger() const { return root / "blocks" / "ledger"; }
};

/// Makes the directory and those above it, readable by their owner only unless `umask_permissions` leaves that to the umask.
Stored<void> make_directories(const std::filesystem::path& directory, bool umask_permissions = false);

/// Error foreign when another program keeps its chain here: block files or LevelDB databases where Bitcoin Core and its relatives
/// have them. `blocks` is the folder of blocks, below `directory` or elsewhere. Nothing is written, so the other's files stay as they are.
Stored<void> refuse_foreign(const std::filesystem::path& directory, const std::filesystem::path& blocks);

/// Bytes that this process may still write on the file system of `path`.
Stored<std::uint64_t> free_space(const std::filesystem::path& path);

/// Below this much free space a node should stop in good order before a write fails.
inline constexpr std::uint64_t kMinimumFreeSpace = 50'000'000;

/// Error no_space unless `needed` bytes and kMinimumFreeSpace beyond them are free.
Stored<void> check_free_space(const std::filesystem::path& path, std::uint64_t needed);

}  // namespace cairn::storage
